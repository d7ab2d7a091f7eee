package helm_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// `wxgate check` with the environment of the four values tries the account, and
// a misspelt variable does not start.
func TestGatewayReadsTheRenderedEnvironment(t *testing.T) {
	t.Parallel()
	os := mustRender(t, release{values: []string{fourValues}}).objects
	p, c := wxgateContainer(t, os)
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	account := httptest.NewServer(tokens("wx0123456789abcdef", fileContents()["APP_SECRET"]))
	t.Cleanup(account.Close)
	foreign := httptest.NewServer(tokens("wx0123456789abcdef", "f123456789abcdef0123456789abcdef"))
	t.Cleanup(foreign.Close)
	tests := []struct {
		name    string
		change  map[string]string
		command string
		code    int
		output  string // part of it
	}{
		{"as rendered", nil, "check", 0, ""},
		{"another account's secret", map[string]string{"WXGATE_WECHAT_API_URL": foreign.URL}, "check", 1, "40125"},
		{"misspelt name", map[string]string{"WXGATE_PUBLIC_ULR": "https://h5.example.com"}, "serve", 2,
			"WXGATE_PUBLIC_URL"},
		{"no keys", map[string]string{"WXGATE_COOKIE_KEYS_FILE": "/dev/null"}, "serve", 2, "WXGATE_COOKIE_KEYS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := environment(t, os, c)
			writeFiles(t, p, c, env)
			env["WXGATE_UPSTREAM"], env["WXGATE_WECHAT_API_URL"] = site.URL, account.URL
			maps.Copy(env, tt.change)
			output, code := runOnce(t, env, tt.command)
			if code != tt.code || !strings.Contains(output, tt.output) {
				t.Errorf("wxgate %s: exit %d, want %d with %q\n%s", tt.command, code, tt.code, tt.output, output)
			}
		})
	}
}

// runOnce runs a command of wxgate that ends, with that environment alone.
func runOnce(t *testing.T, env map[string]string, command ...string) (output string, code int) {
	t.Helper()
	binary, err := wxgateBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, command...)
	cmd.Env = []string{} // nil would be this test's environment
	for _, name := range slices.Sorted(maps.Keys(env)) {
		cmd.Env = append(cmd.Env, name+"="+env[name])
	}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
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
