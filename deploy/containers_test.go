package deploy_test

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// containers is a storage of images and containers. It ends with the test.
type containers struct {
	buildah, podman string
	storage         []string // flags of both programs
	engine          []string // flags of podman
}

// newContainers needs root, which the programs need in order to mount file systems
// and to change users.
func newContainers(t *testing.T) containers {
	t.Helper()
	c := containers{buildah: installed(t, "buildah"), podman: installed(t, "podman")}
	if os.Geteuid() != 0 {
		if os.Getenv("TEST_REQUIRE_ALL") == "1" {
			t.Fatal("buildah and podman need root here")
		}
		t.Skip("buildah and podman need root here")
	}
	// podman refuses long paths, as those of t.TempDir are.
	dir, err := os.MkdirTemp("", "wxgate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	// vfs works on every file system.
	c.storage = []string{"--root", dir + "/root", "--runroot", dir + "/run", "--storage-driver", "vfs"}
	c.engine = []string{
		"--tmpdir", dir + "/tmp", "--runtime", installed(t, "runc"),
		"--cgroup-manager", "cgroupfs", "--events-backend", "none",
	}
	return c
}

// build builds the stage prebuilt of the Dockerfile for one platform.
func (c containers) build(t *testing.T, dir, tag, platform string, buildArgs map[string]string) {
	t.Helper()
	args := []string{
		"build", "--file", "docker/Dockerfile", "--target", "prebuilt", "--platform", platform, "--tag", tag,
		"--timestamp", strconv.FormatInt(imageDate.Unix(), 10), "--isolation", "chroot",
		"--identity-label=false", "--omit-history", // the history names a stage by a random id
		"--format", "docker", // the format of OCI has no health check
	}
	for name, value := range buildArgs {
		args = append(args, "--build-arg", name+"="+value)
	}
	output(t, exec.CommandContext(t.Context(), c.buildah, slices.Concat(c.storage, args, []string{dir})...))
}

// save writes an image to a directory in the layout of OCI and returns it.
func (c containers) save(t *testing.T, tag string) v1.Image {
	t.Helper()
	dir := t.TempDir()
	push := slices.Concat(c.storage, []string{"push", tag, "oci:" + dir})
	output(t, exec.CommandContext(t.Context(), c.buildah, push...))
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	return images(t, index)[0]
}

// images returns the images of an index.
func images(t *testing.T, index v1.ImageIndex) []v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) == 0 {
		t.Fatalf("index of %d images: %v", len(manifest.Manifests), err)
	}
	var images []v1.Image
	for _, m := range manifest.Manifests {
		image, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
	}
	return images
}

// files returns the content of each regular file of an image.
func files(t *testing.T, image v1.Image) map[string][]byte {
	t.Helper()
	content := mutate.Extract(image)
	defer content.Close()
	found := map[string][]byte{}
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		if found[path.Join("/", header.Name)], err = io.ReadAll(archive); err != nil {
			t.Fatal(err)
		}
	}
}

// start runs an image as a restricted pod runs it: read-only, as its own user, without
// capabilities. The options of podman may add to that.
func (c containers) start(t *testing.T, name, image string, environ []string, options ...string) {
	t.Helper()
	args := []string{
		"run", "--detach", "--name", name, "--network", "host", "--read-only", "--read-only-tmpfs=false",
		"--cap-drop", "all", "--security-opt", "no-new-privileges",
		// podman's defaults are more than the container of a test machine may set.
		"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
		"--health-interval", "disable", // the timer needs systemd
	}
	for _, variable := range environ {
		args = append(args, "--env", variable)
	}
	c.do(t, append(append(args, options...), image)...)
	t.Cleanup(func() {
		ctx := context.Background() // t.Context has ended
		if t.Failed() {
			logs, _ := c.command(ctx, "logs", name).CombinedOutput()
			t.Logf("container %s\n%s", name, logs)
		}
		c.command(ctx, "rm", "--force", "--time", "0", name).Run()
	})
}

// inspect returns what a template of podman tells about a container or an image.
func (c containers) inspect(t *testing.T, name, template string) string {
	t.Helper()
	return c.do(t, "inspect", "--format", template, name)
}

// do runs podman and returns what it writes to stdout.
func (c containers) do(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, c.command(t.Context(), args...))
}

func (c containers) command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, c.podman, slices.Concat(c.storage, c.engine, args)...)
}

// output runs a command and returns what it writes to stdout.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}
