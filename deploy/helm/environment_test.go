package helm_test

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// repository is the root of the gateway's module.
const repository = "../.."

// wxgateBinary builds the gateway with the flags of the image.
var wxgateBinary = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(binaryDir, "wxgate")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/wxgate")
	build.Dir = repository
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	return binary, build.Run()
})

var binaryDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wxgate-helm-")
	if err != nil {
		panic(err)
	}
	binaryDir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// environment returns the variables of the container: those of the ConfigMaps among
// the objects, and its own.
func environment(t *testing.T, os objects, c corev1.Container) map[string]string {
	t.Helper()
	configMaps := map[string]map[string]string{}
	for _, m := range all[corev1.ConfigMap](os) {
		configMaps[m.Name] = m.Data
	}
	env := map[string]string{}
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			for name, value := range configMaps[from.ConfigMapRef.Name] {
				env[from.Prefix+name] = value
			}
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			env[e.Name] = e.Value
		}
	}
	return env
}

// checkStarts checks that the gateway starts with the environment of its container.
// Only addresses are replaced, because they need the cluster. The mounted files hold
// values of the test.
func checkStarts(t *testing.T, os objects) {
	t.Helper()
	p, c := wxgateContainer(t, os)
	env := environment(t, os, c)
	writeFiles(t, p, c, env)
	wechat := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(wechat.Close)
	maps.Copy(env, map[string]string{
		"WXGATE_LISTEN":         "127.0.0.1:0",
		"WXGATE_ADMIN_LISTEN":   "127.0.0.1:0",
		"WXGATE_WECHAT_API_URL": wechat.URL,
		"WXGATE_DRAIN_DELAY":    "0s",
		"WXGATE_LOG_LEVEL":      "info", // its lines tell when the gateway listens
	})
	for _, name := range []string{"WXGATE_RELAY_LISTEN", "WXGATE_EXTAUTHZ_LISTEN"} {
		if _, ok := env[name]; ok {
			env[name] = "127.0.0.1:0"
		}
	}
	start(t, env)
}

// start starts the gateway, waits until it listens, and stops it.
func start(t *testing.T, env map[string]string) {
	t.Helper()
	binary, err := wxgateBinary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	serve := exec.CommandContext(ctx, binary, "serve")
	serve.Env = []string{}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		serve.Env = append(serve.Env, name+"="+env[name])
	}
	var problems strings.Builder
	serve.Stderr = &problems
	stdout, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	started := false
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if !started && strings.Contains(lines.Text(), "started") {
			started = true
			serve.Process.Signal(syscall.SIGTERM)
		}
	}
	if err := serve.Wait(); err != nil || !started {
		t.Errorf("wxgate serve: %v, listened: %t\n%s\nenvironment:\n  %s",
			err, started, &problems, strings.Join(serve.Env, "\n  "))
	}
}
