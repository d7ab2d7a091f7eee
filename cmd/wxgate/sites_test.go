package main_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// at sends a page load for a host to an address, and follows no redirect.
func at(t *testing.T, address, host, target string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestServeSeveralSites(t *testing.T) {
	t.Parallel()
	named := func(name string) string {
		return newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) })
	}
	p := start(t, environment("", "WXGATE_UPSTREAM=", "WXGATE_PUBLIC_URL=",
		"WXGATE_PUBLIC_PATHS=/open",
		"WXGATE_SITES_0_HOSTS=a.example.com,www.a.example.com", "WXGATE_SITES_0_UPSTREAM="+named("a"),
		"WXGATE_SITES_1_PUBLIC_URL=https://b.example.com", "WXGATE_SITES_1_UPSTREAM="+named("b"), "WXGATE_SITES_1_APP_ID=wx0000000000000002", "WXGATE_SITES_1_PUBLIC_PATHS=/{page}",
	))
	p.line(`"message":"started"`, `"sites":2`)
	p.line(`"message":"site"`, `"public_url":"https://a.example.com"`)
	p.line(`"message":"site"`, `"public_url":"https://b.example.com"`, `"appid":"wx0000000000000002"`)
	address := "http://" + p.listening("gateway")
	for _, tt := range []struct {
		host, target string
		status       int
		body         string
		location     string
	}{
		{"a.example.com", "/open", 200, "a", ""},
		{"WWW.A.example.com.:8080", "/open", 200, "a", ""},
		{"b.example.com", "/anything", 200, "b", ""},
		{"c.example.com", "/open", 421, "", ""},
		{"a.example.com", "/orders", 302, "", "redirect_uri=https%3A%2F%2Fa.example.com%2F_wx%2Fcallback"},
		{"b.example.com", "/_wx/login", 302, "", "appid=wx0000000000000002&redirect_uri=https%3A%2F%2Fb.example.com%2F_wx%2Fcallback"},
	} {
		res, body := at(t, address, tt.host, tt.target)
		if res.StatusCode != tt.status || tt.status == 200 && body != tt.body || !strings.Contains(res.Header.Get("Location"), tt.location) {
			t.Errorf("GET %s at %s = %d %.60q to %q, want %d %q %q", tt.target, tt.host, res.StatusCode, body, res.Header.Get("Location"), tt.status, tt.body, tt.location)
		}
	}
}

// The page for an unknown host comes from the unnumbered folder.
func TestServePageOfAnUnknownSite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	page := `{{define "title"}}nothing here{{end}}{{define "text"}}{{end}}`
	if err := os.WriteFile(filepath.Join(dir, "unknown-site.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, environment(newUpstream(t, hello), "WXGATE_PUBLIC_URL=", "WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_PAGES_DIR="+dir))
	res, body := at(t, "http://"+p.listening("gateway"), "b.example.com", "/", "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
	if res.StatusCode != 421 || !strings.Contains(body, "nothing here") {
		t.Errorf("GET / at b.example.com = %d %.200q, want 421 and the page in WXGATE_PAGES_DIR", res.StatusCode, body)
	}
}

func TestServeForwardAuth(t *testing.T) {
	t.Parallel()
	p := start(t, environment("", "WXGATE_MODE=forward-auth", "WXGATE_TRUSTED_PROXIES=127.0.0.1", "WXGATE_PUBLIC_PATHS=/open", "WXGATE_EXTAUTHZ_LISTEN=127.0.0.1:0"))
	p.line(`"message":"started"`, `"mode":"forward-auth"`)
	p.listening("ext_authz")
	address := "http://" + p.listening("gateway")
	for _, tt := range []struct {
		target string
		header []string
		status int
	}{
		{"/", nil, 404},
		{"/open", nil, 404},
		{"/_wx/auth", nil, 401},
		{"/_wx/auth", []string{"X-Forwarded-Uri", "/open"}, 200},
		{"/_wx/auth", []string{"X-Original-URI", "/orders", "X-Original-Method", "GET"}, 401},
		{"/_wx/auth/open", nil, 200},
		{"/_wx/auth?redirect=true", []string{"X-Forwarded-Uri", "/orders", "X-Forwarded-Method", "GET"}, 302},
	} {
		if res, body := at(t, address, "h5.example.com", tt.target, tt.header...); res.StatusCode != tt.status {
			t.Errorf("GET %s %q = %d %.80q, want %d", tt.target, tt.header, res.StatusCode, body, tt.status)
		}
	}
}

func TestServeForwardAuthWarnsOfUpstream(t *testing.T) {
	t.Parallel()
	p := start(t, environment("http://127.0.0.1:9", "WXGATE_MODE=forward-auth"))
	p.line(`"level":"warn"`, `"message":"upstream ignored in forward-auth mode"`, `"hint":"`)
}
