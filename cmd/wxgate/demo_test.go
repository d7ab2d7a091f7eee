package main_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// startDemo starts a demo on a free port and returns the process and its origin.
func startDemo(t *testing.T, args ...string) (*process, string) {
	t.Helper()
	p := start(t, nil, append([]string{"demo", "--listen", "127.0.0.1:0"}, args...)...)
	origin, _, _ := strings.Cut(strings.TrimPrefix(p.line("Open http://127.0.0.1:"), "Open "), " ")
	return p, origin
}

// openID returns the openid of a visitor at the stock account, which is the same in
// every emulator.
func openID(t *testing.T, visitor string) string {
	t.Helper()
	return openIDAt(t, wechattest.StockAppID, visitor)
}

// openIDAt returns the openid of a visitor at a stock account.
func openIDAt(t *testing.T, appID, visitor string) string {
	t.Helper()
	wx, err := wechattest.New(wechattest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return wx.OpenID(appID, visitor)
}

// A visitor is a browser inside WeChat that runs no JavaScript. Its page loads do
// not accept HTML, so that no answer needs a script.
type visitor struct {
	t         *testing.T
	client    *http.Client
	userAgent string
}

func newVisitor(t *testing.T) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return visitor{t, &http.Client{Jar: jar, Transport: transport}, wechattest.AgentIOS}
}

// send sends a page load, follows redirects, and returns the last page.
func (v visitor) send(method, address string, form url.Values) (*http.Response, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("User-Agent", v.userAgent)
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return res, string(body)
}

// signIn opens an address, chooses a visitor on the emulator's page, and returns
// the page after that.
func (v visitor) signIn(address, who string) (*http.Response, string) {
	v.t.Helper()
	res, page := v.send(http.MethodGet, address, nil)
	id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(page)
	if res.StatusCode != 200 || id == nil || !strings.Contains(page, `data-visitor="`+who+`"`) {
		v.t.Fatalf("GET %s leads to %s (%d), want the page that asks who signs in:\n%s", address, res.Request.URL.Path, res.StatusCode, page)
	}
	confirm, err := res.Request.URL.Parse("/connect/confirm")
	if err != nil {
		v.t.Fatal(err)
	}
	return v.send(http.MethodPost, confirm.String(), url.Values{"id": {id[1]}, "visitor": {who}})
}

func TestDemo(t *testing.T) {
	t.Parallel()
	p, origin := startDemo(t)
	p.line("dashboard: " + origin + wechattest.ControlPath)
	v := newVisitor(t)
	res, page := v.signIn(origin+"/?from=menu", "wangfang")
	if got := res.Request.URL.String(); got != origin+"/?from=menu" {
		t.Errorf("signed in at %s, want %s", got, origin+"/?from=menu")
	}
	if want := `<code id="openid">` + openID(t, "wangfang") + `</code>`; !strings.Contains(page, want) {
		t.Errorf("page after sign-in lacks %s:\n%s", want, page)
	}
	if res, page := newVisitor(t).send(http.MethodGet, origin+"/about", nil); res.StatusCode != 200 || res.Request.URL.Path != "/about" {
		t.Errorf("GET /about without a session leads to %s (%d):\n%s", res.Request.URL, res.StatusCode, page)
	}
	if res, page := v.send(http.MethodGet, origin+wechattest.ControlPath, nil); res.StatusCode != 200 || !strings.Contains(page, wechattest.StockAppID) {
		t.Errorf("the dashboard = %d:\n%s", res.StatusCode, page)
	}
}

func TestDemoBeforeAnotherUpstream(t *testing.T) {
	t.Parallel()
	upstream := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "own site of "+r.Header.Get("X-WX-OpenID")+" at "+r.URL.Path)
	})
	_, origin := startDemo(t, "--upstream", upstream)
	_, page := newVisitor(t).signIn(origin+"/about", "alice")
	if want := "own site of " + openID(t, "alice") + " at /about"; page != want {
		t.Errorf("page after sign-in = %q, want %q", page, want)
	}
}

// Browsers keep cookies by host, so that a login must end at the host where it
// started.
func TestDemoUnderAnotherName(t *testing.T) {
	t.Parallel()
	_, origin := startDemo(t)
	local := strings.Replace(origin, "127.0.0.1", "localhost", 1)
	res, page := newVisitor(t).signIn(local+"/?from=menu", "wangfang")
	if got := res.Request.URL.String(); got != local+"/?from=menu" || !strings.Contains(page, openID(t, "wangfang")) {
		t.Errorf("signed in at %s, want %s:\n%s", got, local+"/?from=menu", page)
	}
}

func TestDemoLeadsForeignNamesToItsOrigin(t *testing.T) {
	t.Parallel()
	_, origin := startDemo(t)
	for _, test := range []struct {
		method, target string
		status         int
		location       string
	}{
		{"GET", "/", 302, origin + "/"},
		{"GET", "/about?lang=en&x=%2F", 302, origin + "/about?lang=en&x=%2F"},
		{"GET", "//evil.example/x", 302, origin + "//evil.example/x"},
		{"POST", "/api/orders", 421, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, origin+test.target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "wxgate.example:" + r.URL.Port()
		res, err := newClient(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Location"); res.StatusCode != test.status || got != test.location {
			t.Errorf("%s %s at a foreign name = %d %q, want %d %q", test.method, test.target, res.StatusCode, got, test.status, test.location)
		}
	}
}

func TestDemoEndsWithOpenStreams(t *testing.T) {
	t.Parallel()
	const atMost = 5 * time.Second
	p, origin := startDemo(t)
	v := newVisitor(t)
	v.signIn(origin, "lihua")
	stream, err := v.client.Get(origin + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); !strings.HasPrefix(line, `data: {"n":1,`) {
		t.Fatalf("first event = %q, %v", line, err)
	}
	socket, _, err := websocket.Dial(t.Context(), origin+"/ws", &websocket.DialOptions{HTTPClient: v.client})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	if _, message, err := socket.Read(t.Context()); string(message) != "hello "+openID(t, "lihua") {
		t.Fatalf("greeting = %q, %v", message, err)
	}

	interrupted := time.Now()
	p.signal(syscall.SIGINT)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(interrupted); took > atMost {
		t.Errorf("the demo ended %v after Ctrl-C, want at most %v", took, atMost)
	}
}

func TestEmulator(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "emulator", "--listen", "127.0.0.1:0")
	value := func(name string) string {
		return strings.TrimPrefix(p.line(name+"="), name+"=")
	}
	account := &wechat.Client{
		AppID:     value("WXGATE_APP_ID"),
		AppSecret: wechat.Secret(value("WXGATE_APP_SECRET")),
		APIURL:    value("WXGATE_WECHAT_API_URL"),
		OpenURL:   value("WXGATE_WECHAT_OPEN_URL"),
	}
	p.line("WeChat emulator: " + account.APIURL)
	if status, _ := get(t, strings.TrimSpace(strings.TrimPrefix(p.line("Dashboard:"), "Dashboard:"))); status != 200 {
		t.Errorf("GET dashboard = %d, want 200", status)
	}
	if _, err := account.StableToken(t.Context(), false); err != nil {
		t.Errorf("token: %v", err)
	}

	codes := make(chan string, 1)
	site := newUpstream(t, func(_ http.ResponseWriter, r *http.Request) { codes <- r.FormValue("code") })
	browser := wechattest.Browser{Visitor: "tom"}
	if _, err := browser.Open(t.Context(), account.AuthorizeURL(wechat.Authorize{RedirectURI: site + "/callback", State: "s1"})); err != nil {
		t.Fatal(err)
	}
	code := ""
	select {
	case code = <-codes:
	default:
		t.Fatal("the emulator did not send the visitor back")
	}
	grant, err := account.Exchange(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if want := openID(t, "tom"); grant.OpenID != want {
		t.Errorf("openid = %q, want %q", grant.OpenID, want)
	}
	p.signal(syscall.SIGINT)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
