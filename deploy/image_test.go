package deploy_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	certificates = "/etc/ssl/certs/ca-certificates.crt"
	imageVersion = "1.2.3"
	imageCommit  = "0123456789abcdef0123456789abcdef01234567"
)

var imageDate = time.Date(2026, 11, 27, 8, 30, 0, 0, time.UTC)

// The stage prebuilt is what a release builds. The final stage has the same settings,
// but needs a base image from a registry.
func TestImage(t *testing.T) {
	t.Parallel()
	c := newContainers(t)
	dir := prebuilt(t)
	args := map[string]string{
		"VERSION": imageVersion, "COMMIT": imageCommit, "CREATED": imageDate.Format(time.RFC3339),
	}
	for _, platform := range []string{"linux/amd64", "linux/arm64"} {
		c.build(t, dir, "wxgate:"+path.Base(platform), platform, args)
	}

	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) { testImage(t, c.save(t, "wxgate:"+arch), dir, arch) })
	}
	t.Run("equal builds", func(t *testing.T) {
		c.build(t, dir, "wxgate:again", "linux/"+runtime.GOARCH, args)
		first, again := digest(t, c.save(t, "wxgate:"+runtime.GOARCH)), digest(t, c.save(t, "wxgate:again"))
		if first != again {
			t.Errorf("digests of two builds: %s and %s", first, again)
		}
	})
	t.Run("without build arguments", func(t *testing.T) {
		c.build(t, dir, "wxgate:plain", "linux/"+runtime.GOARCH, nil)
		labels := config(t, c.save(t, "wxgate:plain")).Labels
		for name, value := range labels {
			if value == "" || strings.Contains(value, "$") {
				t.Errorf("label %s = %q, want a value", name, value)
			}
		}
	})
	t.Run("health check", func(t *testing.T) {
		var check struct{ Test []string }
		text := c.inspect(t, "wxgate:"+runtime.GOARCH, "{{json .HealthCheck}}")
		if err := json.Unmarshal([]byte(text), &check); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		// CMD-SHELL would need a shell.
		if want := []string{"CMD", "/wxgate", "healthcheck"}; !slices.Equal(check.Test, want) {
			t.Errorf("health check = %q, want %q", check.Test, want)
		}
	})
	t.Run("runs", func(t *testing.T) { testContainer(t, c, "wxgate:"+runtime.GOARCH) })
}

// prebuilt returns a directory with what the stage prebuilt copies.
func prebuilt(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, path.Dir(certificates)), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		binary := buildImage(t, "linux", map[string]string{
			"TARGETARCH": arch, "VERSION": imageVersion, "COMMIT": imageCommit,
		})
		platform := filepath.Join(dir, "linux", arch)
		if err := os.MkdirAll(platform, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(binary, filepath.Join(platform, "wxgate")); err != nil {
			t.Fatal(err)
		}
	}
	copyFiles(t, dir, os.DirFS("/"), certificates[1:])
	return dir
}

func testImage(t *testing.T, image v1.Image, dir, arch string) {
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.OS != "linux" || file.Architecture != arch || !file.Created.Equal(imageDate) {
		t.Errorf("image for %s/%s of %v, want linux/%s of %v", file.OS, file.Architecture, file.Created, arch, imageDate)
	}
	got := file.Config
	if got.User != "65532:65532" || !slices.Equal(got.Entrypoint, []string{"/wxgate"}) || len(got.Cmd) > 0 {
		t.Errorf("user %s runs %q %q, want user 65532:65532 and /wxgate", got.User, got.Entrypoint, got.Cmd)
	}
	const source = "https://github.com/wxgate/wxgate"
	labels := map[string]string{
		"org.opencontainers.image.title":       "wxgate",
		"org.opencontainers.image.description": "Reverse proxy that signs visitors of H5 sites in with WeChat",
		"org.opencontainers.image.url":         source,
		"org.opencontainers.image.source":      source,
		"org.opencontainers.image.licenses":    "MIT",
		"org.opencontainers.image.version":     imageVersion,
		"org.opencontainers.image.revision":    imageCommit,
		"org.opencontainers.image.created":     imageDate.Format(time.RFC3339),
	}
	if !maps.Equal(got.Labels, labels) {
		t.Errorf("labels = %v, want %v", got.Labels, labels)
	}

	content := files(t, image)
	if names := slices.Sorted(maps.Keys(content)); !slices.Equal(names, []string{certificates, "/wxgate"}) {
		t.Errorf("files = %q, want the binary and the certificates", names)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content[certificates]) {
		t.Errorf("no certificate in %s", certificates)
	}
	binary, err := os.ReadFile(filepath.Join(dir, "linux", arch, "wxgate"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content["/wxgate"], binary) {
		t.Errorf("/wxgate is not the binary for %s", arch)
	}
}

// testContainer runs an image from its start to its end.
func testContainer(t *testing.T, c containers, image string) {
	gateway, admin := freeAddress(t), freeAddress(t)
	secrets := mountedSecrets(t, map[string]string{
		"app-secret":  "0123456789abcdef0123456789abcdef",
		"cookie-keys": "bX6kQ2pWc0vTn8YzJ5hRf1LgUe3sAo7iDx9CqKtZb4E=",
	})
	c.start(t, "wxgate", image, []string{
		"WXGATE_APP_ID=wx0123456789abcdef",
		"WXGATE_APP_SECRET_FILE=/etc/wxgate/app-secret",
		"WXGATE_COOKIE_KEYS_FILE=/etc/wxgate/cookie-keys",
		"WXGATE_PUBLIC_URL=https://h5.example.com",
		"WXGATE_UPSTREAM=http://" + freeAddress(t),
		"WXGATE_LISTEN=" + gateway,
		"WXGATE_ADMIN_LISTEN=" + admin,
		"WXGATE_DRAIN_DELAY=1s",
	}, "--volume", secrets+":/etc/wxgate:ro")

	eventually(t, "/readyz answers 200", func() bool {
		res, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	res, err := http.DefaultTransport.RoundTrip(request(t, "http://"+gateway+"/"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if to := res.Header.Get("Location"); !strings.HasPrefix(to, "https://open.weixin.qq.com/") {
		t.Errorf("a visitor without a session gets %s to %q, want WeChat's page", res.Status, to)
	}
	testRestricted(t, c.inspect(t, "wxgate", "{{.State.Pid}}"))

	version := c.do(t, "exec", "wxgate", "/wxgate", "version")
	if !strings.Contains(version, imageVersion) || !strings.Contains(version, imageCommit) {
		t.Errorf("wxgate version = %q, want %s and %s in it", version, imageVersion, imageCommit)
	}
	c.do(t, "healthcheck", "run", "wxgate") // fails if the container is unhealthy

	// SIGTERM, and SIGKILL after a minute, which would be exit code 137.
	c.do(t, "stop", "--time", "60", "wxgate")
	if code := c.inspect(t, "wxgate", "{{.State.ExitCode}}"); code != "0" {
		t.Errorf("exit code after SIGTERM = %s, want 0", code)
	}
}

// testRestricted reads from the kernel what the process may do.
func testRestricted(t *testing.T, pid string) {
	t.Helper()
	status := map[string]string{}
	for line := range strings.Lines(readFile(t, "/proc/"+pid+"/status")) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.Join(strings.Fields(value), " ")
	}
	for name, want := range map[string]string{
		"Uid":        "65532 65532 65532 65532",
		"Gid":        "65532 65532 65532 65532",
		"NoNewPrivs": "1",
		"CapEff":     "0000000000000000",
		"CapBnd":     "0000000000000000",
		"Seccomp":    "2",
	} {
		if status[name] != want {
			t.Errorf("%s of the process = %q, want %q", name, status[name], want)
		}
	}
}

// mountedSecrets returns a directory with files as the kubelet mounts a Secret for a
// pod whose fsGroup is 65532: they belong to root, and the group may read them.
func mountedSecrets(t *testing.T, secrets map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range secrets {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(content), 0o440); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(file, 0, 65532); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func config(t *testing.T, image v1.Image) v1.Config {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return file.Config
}

func digest(t *testing.T, image v1.Image) string {
	t.Helper()
	hash, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}

func request(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
