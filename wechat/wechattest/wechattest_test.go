package wechattest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// emulator is an Emulator that is called in memory.
type emulator struct {
	*wechattest.Emulator
	t *testing.T
}

func newEmulator(t *testing.T, config wechattest.Config) *emulator {
	t.Helper()
	e, err := wechattest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return &emulator{e, t}
}

// answer is a response of the emulator.
type answer struct {
	status int
	header http.Header
	body   string
	fields map[string]any // of a JSON body
}

func (a answer) code() int {
	n, _ := a.fields["errcode"].(float64)
	return int(n)
}

func (a answer) text(name string) string {
	s, _ := a.fields[name].(string)
	return s
}

func (e *emulator) do(method, path, body string, header http.Header) answer {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, "http://wx.test"+path, strings.NewReader(body))
	if err != nil {
		e.t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	res, err := e.Transport().RoundTrip(req)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, path, err)
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(raw)}
	json.Unmarshal(raw, &a.fields)
	return a
}

func (e *emulator) get(path string, pairs ...string) answer {
	e.t.Helper()
	return e.do("GET", path+"?"+query(pairs...), "", nil)
}

func (e *emulator) post(path, body string) answer {
	e.t.Helper()
	return e.do("POST", path, body, nil)
}

// query joins pairs in the order given.
func query(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&b, "&%s=%s", pairs[i], url.QueryEscape(pairs[i+1]))
	}
	return strings.TrimPrefix(b.String(), "&")
}

const site = "http://127.0.0.1:8080/callback"

// login opens the authorize page and returns the code.
func (e *emulator) login(scope string, header http.Header) (code string) {
	e.t.Helper()
	a := e.do("GET", "/connect/oauth2/authorize?"+query("appid", wechattest.StockAppID, "redirect_uri", site,
		"response_type", "code", "scope", scope, "state", "s1"), "", header)
	return codeIn(e.t, a)
}

func codeIn(t *testing.T, a answer) string {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || u.Query().Get("code") == "" {
		t.Fatalf("authorize answered %d, Location %q: want a code", a.status, a.header.Get("Location"))
	}
	return u.Query().Get("code")
}

func (e *emulator) exchange(code string) answer {
	e.t.Helper()
	return e.get("/sns/oauth2/access_token", "appid", wechattest.StockAppID, "secret", wechattest.StockAppSecret,
		"code", code, "grant_type", "authorization_code")
}

func as(visitor string) http.Header { return http.Header{wechattest.VisitorHeader: {visitor}} }

func Example() {
	wx := wechattest.NewServer()
	defer wx.Close()

	// What a site does: it sends the visitor to WeChat and exchanges the code that
	// comes back. See Browser for a visitor's browser.
	res, err := http.DefaultTransport.RoundTrip(newRequest(wx.URL + "/connect/oauth2/authorize?appid=" + wechattest.StockAppID +
		"&redirect_uri=http%3A%2F%2Flocalhost%2F&response_type=code&scope=snsapi_base&state=1#wechat_redirect"))
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := res.Location()
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err = http.Get(wx.URL + "/sns/oauth2/access_token?appid=" + wechattest.StockAppID + "&secret=" + wechattest.StockAppSecret +
		"&code=" + back.Query().Get("code") + "&grant_type=authorization_code")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer res.Body.Close()
	var visitor struct{ OpenID string }
	if err := json.NewDecoder(res.Body).Decode(&visitor); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(visitor.OpenID == wx.OpenID(wechattest.StockAppID, "lihua"))
	fmt.Println(wx.Calls("/sns/oauth2/access_token"))
	// Output:
	// true
	// 1
}

func newRequest(address string) *http.Request {
	req, err := http.NewRequest("GET", address, nil)
	if err != nil {
		panic(err)
	}
	return req
}

func TestNewRefusesMalformed(t *testing.T) {
	t.Parallel()
	stock := wechattest.StockAccount()
	with := func(change func(*wechattest.Account)) []wechattest.Account {
		a := stock
		change(&a)
		return []wechattest.Account{a}
	}
	for _, test := range []struct {
		name   string
		config wechattest.Config
		want   string // in the error
	}{
		{"no secret", wechattest.Config{Accounts: with(func(a *wechattest.Account) { a.Secret = "" })}, "secret"},
		{"kind", wechattest.Config{Accounts: with(func(a *wechattest.Account) { a.Kind = "shop" })}, "shop"},
		{"port of a service account", wechattest.Config{Accounts: with(func(a *wechattest.Account) { a.Kind = wechattest.KindService })}, "127.0.0.1:*"},
		{"scheme", wechattest.Config{Accounts: with(func(a *wechattest.Account) { a.CallbackDomains = []string{"https://h5.cn"} })}, "scheme"},
		{"allow-list", wechattest.Config{Accounts: with(func(a *wechattest.Account) { a.IPAllowList = []string{"10.0.0.0/99"} })}, "10.0.0.0/99"},
		{"account twice", wechattest.Config{Accounts: []wechattest.Account{stock, stock}}, "twice"},
		{"visitor twice", wechattest.Config{Visitors: []wechattest.Visitor{{ID: "a"}, {ID: "a"}}}, "twice"},
		{"visitor without id", wechattest.Config{Visitors: []wechattest.Visitor{{}}}, "id"},
		{"answer", wechattest.Config{Answer: "perhaps"}, "perhaps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if _, err := wechattest.New(test.config); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("New() = %v, want an error that names %q", err, test.want)
			}
		})
	}
}

func TestSeedRepeats(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return time.Unix(1_700_000_000, 0) }
	first := newEmulator(t, wechattest.Config{Seed: 7, Clock: clock}).login("snsapi_base", nil)
	second := newEmulator(t, wechattest.Config{Seed: 7, Clock: clock}).login("snsapi_base", nil)
	if first != second || len(first) != 32 {
		t.Errorf("codes with one seed: %q and %q, want the same 32 characters", first, second)
	}
	if other := newEmulator(t, wechattest.Config{Seed: 8}).login("snsapi_base", nil); other == first {
		t.Errorf("code with another seed = %q, the same", other)
	}
}

func TestIdentifiers(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	seen := map[string]bool{}
	for _, v := range e.Visitors() {
		for _, appID := range []string{wechattest.StockAppID, wechattest.StockWebsiteAppID} {
			id := e.OpenID(appID, v.ID)
			if len(id) != 28 || id[0] != 'o' || seen[id] {
				t.Errorf("OpenID(%q, %q) = %q, want 28 characters of its own, the first an o", appID, v.ID, id)
			}
			seen[id] = true
		}
		if a, b := e.UnionID(wechattest.StockAppID, v.ID), e.UnionID(wechattest.StockWebsiteAppID, v.ID); a != b || a == "" {
			t.Errorf("UnionID of %q = %q and %q, want one", v.ID, a, b)
		}
	}
	alone := wechattest.StockAccount()
	alone.OpenPlatformID = ""
	if err := e.SetAccount(alone); err != nil {
		t.Fatal(err)
	}
	if got := e.UnionID(wechattest.StockAppID, "lihua"); got != "" {
		t.Errorf("UnionID without an open platform = %q, want none", got)
	}
}

func TestUnknownPath(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	for _, path := range []string{"/cgi-bin/component/api_component_token", "/sns/oauth2/component/access_token", "/"} {
		if a := e.get(path); a.status != 404 || a.body != "" {
			t.Errorf("GET %s = %d %q, want an empty 404", path, a.status, a.body)
		}
		if n := e.Calls(path); n != 1 {
			t.Errorf("Calls(%q) = %d, want 1: unknown paths are logged", path, n)
		}
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.get("/first")
	for range 10_000 {
		e.get("/sns/auth", "access_token", "x")
	}
	if n := len(e.Requests()); n != 10_000 || e.Calls("/first") != 0 {
		t.Errorf("log has %d lines and %d of the first, want 10000 and 0", n, e.Calls("/first"))
	}
	e.post("/last", strings.Repeat("x", 1<<20))
	e.get("/long", "q", strings.Repeat("x", 1<<20))
	all := e.Requests()
	last := all[len(all)-2]
	if last.Path != "/last" || len(last.Body) > 9000 {
		t.Errorf("line before the last is %s with %d bytes of body, want /last, cut", last.Path, len(last.Body))
	}
	if long := all[len(all)-1]; long.Query != nil || len(long.Warnings) != 1 {
		t.Errorf("long query was kept: %d parameters, warnings %q", len(long.Query), long.Warnings)
	}
	e.ClearRequests()
	if n := len(e.Requests()); n != 0 {
		t.Errorf("after ClearRequests the log has %d lines, want 0", n)
	}
}
