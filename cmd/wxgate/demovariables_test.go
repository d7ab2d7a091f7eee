package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// answer sends a page load of a browser outside WeChat and returns status, Location
// and body of the response.
func answer(t *testing.T, address string) (int, string, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Accept", "text/html")
	res, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Location") + strings.Join(res.Header["Set-Cookie"], ";"), string(body)
}

func TestDemoHonoursVariables(t *testing.T) {
	t.Parallel()
	upstream := newUpstream(t, hello)
	direct := "WXGATE_KEEP_FRAGMENT=false" // without the page that reads the fragment
	for _, tt := range []struct {
		environ  []string
		path     string
		status   int
		location string // or part of a cookie
		body     string
	}{
		{nil, "/open/", 200, "", "<script"},
		{[]string{direct}, "/", 302, "scope=snsapi_base", ""},
		{[]string{"WXGATE_KEEP_FRAGMENT="}, "/", 200, "", "<script"},
		{[]string{"WXGATE_PUBLIC_PATHS=/open/"}, "/open/", 200, "", "hello"},
		{[]string{"WXGATE_API_PATHS=/open/"}, "/open/", 401, "", "unauthorized"},
		{[]string{direct, "WXGATE_SCOPE=snsapi_userinfo"}, "/", 302, "scope=snsapi_userinfo", ""},
		{[]string{"WXGATE_OUTSIDE_WECHAT=deny"}, "/", 403, "", ""},
		{[]string{"WXGATE_OUTSIDE_WECHAT=page"}, "/", 200, "", "<svg"},
		{[]string{direct, "WXGATE_OUTSIDE_WECHAT=qrconnect"}, "/", 302, wechattest.StockWebsiteAppID, ""},
		{[]string{direct, "WXGATE_COOKIE_NAME=shop"}, "/", 302, "shop_login_", ""},
		{[]string{"WXGATE_PREFIX=/auth"}, "/auth/me", 401, "", "/auth/login"},
		{[]string{"WXGATE_JSSDK=false"}, "/_wx/jssdk", 404, "", ""},
		{[]string{"WXGATE_VERIFY_FILES=abc123"}, "/MP_verify_abc123.txt", 200, "", "abc123"},
		{[]string{direct, "WXGATE_LOGIN_RATE=1/1h"}, "/", 302, "scope=", ""},
	} {
		t.Run(strings.Join(tt.environ, " ")+tt.path, func(t *testing.T) {
			t.Parallel()
			_, origin := startDemoWith(t, tt.environ, "--upstream", upstream)
			status, location, body := answer(t, origin+tt.path)
			if status != tt.status || !strings.Contains(location, tt.location) || !strings.Contains(body, tt.body) {
				t.Errorf("GET %s = %d %q %.300q, want %d %q %q", tt.path, status, location, body, tt.status, tt.location, tt.body)
			}
		})
	}
}

// The sample site keeps the paths that its pages need.
func TestDemoAddsPublicPathsToTheSampleSites(t *testing.T) {
	t.Parallel()
	_, origin := startDemoWith(t, []string{"WXGATE_PUBLIC_PATHS=/{$}"})
	for _, path := range []string{"/", "/about", "/static/app.js"} {
		if status, location, _ := answer(t, origin+path); status != 200 || location != "" {
			t.Errorf("GET %s = %d %s, want 200", path, status, location)
		}
	}
}

func TestDemoHonoursListsAndTheFollowGate(t *testing.T) {
	t.Parallel()
	list := filepath.Join(t.TempDir(), "deny")
	if err := os.WriteFile(list, []byte(openID(t, "lihua")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, origin := startDemoWith(t, []string{"WXGATE_DENY_OPENIDS_FILE=" + list, "WXGATE_REQUIRE_FOLLOW=true",
		"WXGATE_FOLLOW_QR_URL=/static/qr.png", "WXGATE_PUBLIC_PATHS=/static/"})
	for who, status := range map[string]int{"lihua": 403, "tom": 403, "wangfang": 200} {
		res, page := newVisitor(t).signIn(origin+"/", who)
		if res.StatusCode != status || strings.Contains(page, "/static/qr.png") != (who == "tom") {
			t.Errorf("%s = %d, want %d, and the picture for tom alone:\n%.900s", who, res.StatusCode, status, page)
		}
	}
	// The list is reread for a host that the demo has begun to serve later too.
	if err := os.WriteFile(list, []byte(openID(t, "wangfang")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, patience, "the list is reread", func() bool {
		res, _ := newVisitor(t).signIn(strings.Replace(origin, "127.0.0.1", "localhost", 1), "wangfang")
		return res.StatusCode == 403
	})
}

func TestDemoHonoursLogVariables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		environ []string
		want    string // a line of the access line's; empty: there is none
	}{
		{nil, " GET /about 200 public "},
		{[]string{"WXGATE_LOG_FORMAT=json"}, `"path":"/about"`},
		{[]string{"WXGATE_LOG_LEVEL=warn"}, ""},
		{[]string{"WXGATE_ACCESS_LOG=false"}, ""},
		{[]string{"WXGATE_ACCESS_LOG_SKIP=/about"}, ""},
	} {
		t.Run(strings.Join(tt.environ, " "), func(t *testing.T) {
			t.Parallel()
			p, origin := startDemoWith(t, tt.environ)
			answer(t, origin+"/about")
			p.signal(syscall.SIGINT)
			p.exit()
			log := p.stderr.String()
			if has := strings.Contains(log, "/about"); !strings.Contains(log, tt.want) || has != (tt.want != "") {
				t.Errorf("log has not %q:\n%s", tt.want, log)
			}
		})
	}
}

// What the demo sets itself is ignored with any value, and named in one line
// without it.
func TestDemoNamesIgnoredVariables(t *testing.T) {
	t.Parallel()
	names := []string{
		"WXGATE_APP_ID", "WXGATE_APP_SECRET", "WXGATE_COOKIE_KEYS_FILE", "WXGATE_UPSTREAM", "WXGATE_PUBLIC_URL",
		"WXGATE_LISTEN", "WXGATE_ADMIN_LISTEN", "WXGATE_MODE", "WXGATE_WECHAT_API_URL", "WXGATE_WECHAT_OPEN_URL",
		"WXGATE_HUB_URL", "WXGATE_SESSION_STORE", "WXGATE_REDIS_URL", "WXGATE_TLS_CERT_FILE", "WXGATE_QR_APP_SECRET",
		"WXGATE_SITES_0_HOSTS", "WXGATE_SITES_0_PUBLIC_PATHS", "WXGATE_PASS_ACCESS_TOKEN", "WXGATE_COOKIE_DOMAIN",
		"WXGATE_RELAY_LISTEN", "WXGATE_EXTAUTHZ_LISTEN", "WXGATE_ADMIN_TOKEN", "WXGATE_PREFIX",
	}
	environ := []string{
		"WXGATE_HUB_KEY=", "WXGATE_SERVICE_HOST=10.0.0.1", "WXGATE_API_PATHS=/api/", "OTEL_EXPORTER_OTLP_ENDPOINT=planted",
	}
	for _, name := range names {
		environ = append(environ, name+"=planted\x1b[31m")
	}
	p, origin := startDemoWith(t, environ)
	line := p.line("Ignored")
	for _, name := range names {
		if !strings.Contains(line+",", " "+name+",") {
			t.Errorf("the line %q lacks %s", line, name)
		}
	}
	for _, other := range []string{"HUB_KEY", "SERVICE_HOST", "API_PATHS", "planted"} {
		if strings.Contains(line, other) {
			t.Errorf("the line %q has %s", line, other)
		}
	}
	if res, page := newVisitor(t).signIn(origin+"/", "lihua"); res.StatusCode != 200 {
		t.Errorf("GET / = %d after sign-in:\n%.300s", res.StatusCode, page)
	}
	p.signal(syscall.SIGINT)
	p.exit()
	if out := p.stdout.String() + p.stderr.String(); strings.Contains(out, "planted") ||
		strings.Count(out, "gnored") != 1 {
		t.Errorf("output %q, want one line about what is ignored, without values", out)
	}
}

func TestDemoSaysNothingOfIgnoredVariablesWithoutAny(t *testing.T) {
	t.Parallel()
	p, _ := startDemoWith(t, []string{"WXGATE_PUBLIC_PATHS=/open/", "WXGATE_APP_ID=", "OTHER=x"})
	p.line("dashboard")
	if strings.Contains(p.stdout.String(), "gnored") {
		t.Errorf("stdout %s", p.stdout)
	}
}

// A fault of a variable that the demo honours is the one that serve prints.
func TestDemoRefusesFaultyVariables(t *testing.T) {
	t.Parallel()
	pages := t.TempDir()
	if err := os.WriteFile(filepath.Join(pages, "forbidden.html"), []byte("{{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{
		"WXGATE_LOG_LEVEL=loud", "WXGATE_SCOPE=snsapi_all", "WXGATE_PUBLIC_PATHS=/", "WXGATE_PUBLIC_PATH=/x/",
		"WXGATE_SESSION_TTL=1", "WXGATE_KEEP_FRAGMENT=maybe", "WXGATE_FOLLOW_QR_URL=http://[", "WXGATE_DENY_OPENIDS_FILE=/nowhere",
		"WXGATE_PAGES_DIR=" + pages, "WXGATE_PREFIX=auth",
	} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			name, _, _ := strings.Cut(variable, "=")
			demo := start(t, []string{variable, "WXGATE_APP_SECRET=planted \x1b"}, "demo", "--listen", "127.0.0.1:0",
				"--upstream", "http://127.0.0.1:9")
			if code := demo.exit(); code != 2 || demo.stdout.String() != "" {
				t.Errorf("exit code %d, stdout %q, want 2 and nothing", code, demo.stdout)
			}
			serve := start(t, environment("http://127.0.0.1:9", variable))
			serve.exit()
			if got := demo.stderr.String(); got != serve.stderr.String() || !strings.Contains(got, "\n  "+name) {
				t.Errorf("demo says %q, serve %q", got, serve.stderr)
			}
		})
	}
}

func TestDemoSaysThatNothingAnswersAtTheUpstream(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(hello))
	address := strings.TrimPrefix(site.URL, "http://")
	for upstream, away := range map[string]string{
		site.URL:                   "",
		"http://" + freeAddress(t): "http://127.0.0.1:",
		"unix:///nowhere/web.sock": "unix:///nowhere/web.sock",
		"/=" + site.URL + ",/api/=" + "http://" + freeAddress(t): "http://127.0.0.1:",
	} {
		p, _ := startDemoWith(t, nil, "--upstream", upstream)
		p.line("dashboard")
		said := p.stdout.String() + p.stderr.String()
		if strings.Contains(said, "othing answers at "+away) != (away != "") || strings.Count(said, "othing answers") > 1 ||
			strings.Contains(said, "othing answers at http://"+address) {
			t.Errorf("--upstream %s: the demo says:\n%s", upstream, said)
		}
		p.signal(syscall.SIGINT)
		if code := p.exit(); code != 0 {
			t.Errorf("--upstream %s: exit code %d, want 0", upstream, code)
		}
	}
	site.Close()
}
