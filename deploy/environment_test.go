package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// The environment is that of the pod: the ConfigMap, and the keys of the Secret as
// files. The test changes only addresses, which need the cluster, and the values
// marked REPLACE.
func TestGatewayAcceptsThePodsEnvironment(t *testing.T) {
	t.Parallel()
	wxgate := buildImage(t, runtime.GOOS, nil)
	key, stderr, code := run(t, wxgate, nil, "keygen")
	if code != 0 {
		t.Fatalf("wxgate keygen: exit %d\n%s", code, stderr)
	}
	const appID, appSecret = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	wechat := httptest.NewServer(tokens(appID, appSecret))
	t.Cleanup(wechat.Close)
	filled := map[string]string{"app-secret": appSecret + "\n", "cookie-keys": key}
	foreign := map[string]string{"app-secret": "f" + appSecret[1:], "cookie-keys": key}
	misspelt := map[string]string{"WXGATE_PUBLIC_ULR": "https://h5.example.com"}
	addresses := map[string]string{
		"WXGATE_APP_ID":         appID,
		"WXGATE_UPSTREAM":       site.URL,
		"WXGATE_WECHAT_API_URL": wechat.URL,
	}

	tests := []struct {
		name    string
		secrets map[string]string
		env     map[string]string
		command string
		code    int
		stderr  string // part of it
	}{
		{"filled in", filled, addresses, "check", 0, ""},
		{"another account's secret", foreign, addresses, "check", 1, ""},
		{"as shipped", nil, nil, "serve", 2, "WXGATE_COOKIE_KEYS"},
		{"misspelt name", filled, misspelt, "serve", 2, "WXGATE_PUBLIC_URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, wxgate, mountedEnv(t, tt.secrets, tt.env), tt.command)
			if code != tt.code || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("wxgate %s: exit %d, want %d with %q on stderr\nstdout: %s\nstderr: %s",
					tt.command, code, tt.code, tt.stderr, stdout, stderr)
			}
		})
	}
}

// mountedEnv returns the pod's environment, overridden by env. Its Secret, with the
// given keys replaced, is in a directory instead of the mount.
func mountedEnv(t *testing.T, secrets, env map[string]string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range one[corev1.Secret](t).StringData {
		if s, ok := secrets[name]; ok {
			content = s
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	mount := container(t, deployment(t)).VolumeMounts[0].MountPath
	merged := podEnv(t)
	for name, value := range merged {
		if file, ok := strings.CutPrefix(value, mount+"/"); ok {
			merged[name] = filepath.Join(dir, file)
		}
	}
	maps.Copy(merged, env)
	var environ []string
	for name, value := range merged {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// tokens fakes WeChat: it gives a token to the account with that secret and refuses
// all others.
func tokens(appID, appSecret string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cgi-bin/stable_token", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			AppID  string `json:"appid"`
			Secret string `json:"secret"`
		}
		w.Header().Set("Content-Type", "application/json; encoding=utf-8")
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || in.AppID != appID || in.Secret != appSecret {
			io.WriteString(w, `{"errcode":40125,"errmsg":"invalid appsecret"}`)
			return
		}
		io.WriteString(w, `{"access_token":"token","expires_in":7200}`)
	})
	return mux
}

// run runs wxgate with that environment alone, as in a scratch image. It kills a
// gateway that keeps serving: code is -1.
func run(t *testing.T, wxgate string, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, wxgate, args...)
	cmd.Env = append([]string{}, environ...) // nil would be this test's environment
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatal(err)
		}
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}
