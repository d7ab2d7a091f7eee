package deploy_test

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// ko runs with the shipped configuration, but the base comes from a registry of the
// test: an empty image with the user of the real one.
func TestKoBuildsTheSameBinary(t *testing.T) {
	t.Parallel()
	ko := installed(t, "ko")
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	pushBase(t, host+"/base:latest")

	cmd := exec.CommandContext(t.Context(), ko, "build", "--bare", "--tags", imageVersion,
		"--image-label", "org.opencontainers.image.source=https://github.com/wxgate/wxgate", "./cmd/wxgate")
	cmd.Dir = repository
	cmd.Env = append(os.Environ(), "VERSION="+imageVersion, "COMMIT="+imageCommit,
		"KO_DEFAULTBASEIMAGE="+host+"/base:latest", "KO_DOCKER_REPO="+host+"/wxgate",
		"GOFLAGS=-buildvcs=auto") // as on a machine whose GOFLAGS are empty
	output(t, cmd)

	index, err := remote.Index(reference(t, host+"/wxgate:"+imageVersion))
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, image := range images(t, index) {
		file, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		platforms = append(platforms, file.OS+"/"+file.Architecture)
		if file.Config.User != "65532" || !slices.Equal(file.Config.Entrypoint, []string{"/ko-app/wxgate"}) {
			t.Errorf("user %q runs %q, want the user of the base and /ko-app/wxgate",
				file.Config.User, file.Config.Entrypoint)
		}
		sbom := strings.Replace(digest(t, image), ":", "-", 1) + ".sbom"
		if _, err := remote.Head(reference(t, host+"/wxgate:"+sbom)); err != nil {
			t.Errorf("SBOM of %s: %v", file.Architecture, err)
		}
		want, err := os.ReadFile(buildImage(t, "linux", map[string]string{
			"TARGETARCH": file.Architecture, "VERSION": imageVersion, "COMMIT": imageCommit,
		}))
		if err != nil {
			t.Fatal(err)
		}
		if got := files(t, image)["/ko-app/wxgate"]; !bytes.Equal(got, want) {
			t.Errorf("%s: the binary of ko (%d bytes) is not that of the Dockerfile (%d bytes)",
				file.Architecture, len(got), len(want))
		}
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(slices.Sorted(slices.Values(platforms)), want) {
		t.Errorf("platforms = %q, want %q", platforms, want)
	}
}

// pushBase pushes an image without files for both platforms.
func pushBase(t *testing.T, tag string) {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, arch := range []string{"amd64", "arm64"} {
		image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
			OS: "linux", Architecture: arch, Config: v1.Config{User: "65532"},
			RootFS: v1.RootFS{Type: "layers"},
		})
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	if err := remote.WriteIndex(reference(t, tag), index); err != nil {
		t.Fatal(err)
	}
}

func reference(t *testing.T, image string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}
