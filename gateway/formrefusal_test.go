package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// formSecret is what the visitor has filled in.
const formSecret = "planted-in-the-form"

// asFormOf are the headers of a form that a browser sends from a page of the site.
func asFormOf(page string) []string {
	return append(slices.Clone(asPage), "Content-Type", "application/x-www-form-urlencoded", "Referer", page)
}

// loginTo is the address of the login that leads back to an address.
func loginTo(address string) string {
	return rigOrigin + "/_wx/login?return_to=" + url.QueryEscape(address)
}

// A form that is sent after the session has ended is answered with a page, whose
// button leads to the login and back to the page that the form was on.
func TestFormWithoutASession(t *testing.T) {
	t.Parallel()
	site := new(echo)
	r := newRig(t, site, func(c *testConfig) {
		c.ReturnHosts = []string{"m.example.com"}
		c.TrustedProxies = loopback
	})
	const login = rigOrigin + "/_wx/login"
	for _, tt := range []struct{ name, host, referer, want string }{
		{"page of the site", rigHost, rigOrigin + "/cart?id=7", loginTo(rigOrigin + "/cart?id=7")},
		{"origin alone", rigHost, rigOrigin + "/", loginTo(rigOrigin + "/")},
		{"return host", rigHost, "https://m.example.com/cart", loginTo("https://m.example.com/cart")},
		{"path with two slashes", rigHost, rigOrigin + "//evil.example/x", loginTo(rigOrigin + "//evil.example/x")},
		{"plain http", rigHost, "http://h5.example.com/cart?id=7", loginTo("/cart?id=7")},
		{"plain http, two slashes", rigHost, "http://h5.example.com//cart", loginTo(rigOrigin + "//cart")},
		{"another name of the site", "alias.example.com", "https://alias.example.com/cart", loginTo("/cart")},
		{"another name, capitals", "alias.example.com:8443", "HTTPS://Alias.example.com:8443/cart", loginTo("/cart")},
		{"another name, home page", "alias.example.com", "https://alias.example.com", login},
		{"none", rigHost, "", login},
		{"another site", rigHost, "https://evil.example/cart", login},
		{"another site's path", rigHost, "//evil.example/cart", login},
		{"name in front", rigHost, "https://h5.example.com.evil.example/", login},
		{"user name", rigHost, "https://h5.example.com@evil.example/", login},
		{"backslash", rigHost, `https://h5.example.com\evil.example/`, login},
		{"backslash in the path", rigHost, `https://h5.example.com/\evil.example`, login},
		{"tab", rigHost, "https://h5.example.com/\t/evil.example", login},
		{"script", rigHost, "javascript://h5.example.com/%0aalert(1)", login},
		{"another scheme", rigHost, "ftp://h5.example.com/cart", login},
		{"login", rigHost, rigOrigin + "/_wx/login?return_to=/x", login},
	} {
		q := r.newRequest(t, "POST", "/orders", strings.NewReader("card="+formSecret), asFormOf(tt.referer)...)
		q.Host = tt.host
		a := r.send(t, q)
		wantPage(t, a, 401, headingFormUnauthorized)
		if got := button(t, a.body); got != tt.want {
			t.Errorf("%s: button leads to %q, want %q", tt.name, got, tt.want)
		}
		if strings.Contains(a.body, formSecret) {
			t.Errorf("%s: the page holds what was sent", tt.name)
		}
		if line := r.lines.next(t); line["outcome"] != "unauthorized" {
			t.Errorf("%s: outcome %v, want unauthorized", tt.name, line["outcome"])
		}
	}
	if n := site.hits.Load(); n != 0 {
		t.Errorf("%d forms reached the site, want none", n)
	}
}

// replaced returns headers, name and value by turns, with one replaced.
func replaced(header []string, name string, values ...string) []string {
	var out []string
	for pair := range slices.Chunk(header, 2) {
		if pair[0] != name {
			out = append(out, pair...)
		}
	}
	for _, value := range values {
		out = append(out, name, value)
	}
	return out
}

// At all doors a form is answered with the same page, and nothing else is.
func TestFormAtFourDoors(t *testing.T) {
	t.Parallel()
	site := new(echo)
	g, _ := newGateway(t, site, func(c *testConfig) {
		c.APIPaths, c.TrustedProxies = []string{"/api/"}, loopback
		c.DenyOpenIDsFile = openIDList(t, "oDENIED\n")
	})
	denied := signedIn(t, func(s *session.Session) { s.OpenID = "oDENIED" })
	form := asFormOf(rigOrigin + "/cart")
	formOfDenied := replaced(form, "Cookie", denied)
	login := loginTo(rigOrigin + "/cart")
	mode := func(values ...string) []string { return replaced(form, "Sec-Fetch-Mode", values...) }
	for _, tt := range []struct {
		name           string
		method, target string
		header         []string
		status         int
		heading        string // empty: JSON
		button         string
	}{
		{"form", "POST", "/orders", form, 401, headingFormUnauthorized, login},
		{"form of somebody denied", "POST", "/orders", formOfDenied, 403, headingForbidden, rigOrigin + "/cart"},
		{"form for an API path", "POST", "/api/orders", form, 401, "", ""},
		{"form for an API path of somebody denied", "POST", "/api/orders", formOfDenied, 403, "", ""},
		{"script", "POST", "/orders", mode("cors"), 401, "", ""},
		{"script of the same origin", "POST", "/orders", mode("same-origin"), 401, "", ""},
		{"beacon", "POST", "/orders", mode("no-cors"), 401, "", ""},
		{"mode in capitals", "POST", "/orders", mode("NAVIGATE"), 401, "", ""},
		{"no mode", "POST", "/orders", mode(), 401, "", ""},
		{"program", "POST", "/orders", []string{"User-Agent", "curl/8", "Accept", "*/*"}, 401, "", ""},
		{"XMLHttpRequest", "POST", "/orders", replaced(form, "X-Requested-With", "XMLHttpRequest"), 401, "", ""},
		{"WeChat's X-Requested-With", "POST", "/orders", replaced(form, "X-Requested-With", "com.tencent.mm"),
			401, headingFormUnauthorized, login},
		{"upgrade", "POST", "/orders", replaced(form, "Upgrade", "websocket"), 401, "", ""},
		{"PUT", "PUT", "/orders", form, 401, "", ""},
		{"DELETE", "DELETE", "/orders", form, 401, "", ""},
		{"PATCH", "PATCH", "/orders", form, 401, "", ""},
		{"QUERY", "QUERY", "/orders", form, 401, "", ""},
	} {
		for door, a := range refusedAtDoors(t, g, site, doorRequest{tt.method, tt.target, tt.header}) {
			what := tt.name + ", through " + door
			if a.StatusCode != tt.status {
				t.Errorf("%s: status %d, want %d", what, a.StatusCode, tt.status)
			}
			if tt.heading == "" {
				refusalOf(t, a)
				continue
			}
			wantPage(t, a, tt.status, tt.heading)
			if got := button(t, a.body); got != tt.button {
				t.Errorf("%s: button leads to %q, want %q", what, got, tt.button)
			}
			header := a.Header.Get("X-WX-Login-URL")
			if door == "forward auth" && tt.status == 401 && header != tt.button {
				t.Errorf("%s: X-WX-Login-URL %q, want %q", what, header, tt.button)
			}
		}
	}
}

// refusedAtDoors returns the answers of all doors to a request, by their names.
func refusedAtDoors(t *testing.T, g *gateway.Gateway, site http.Handler, q doorRequest) map[string]*answer {
	t.Helper()
	answers := make(map[string]*answer)
	send := func(name string, h http.HandlerFunc, target string, q doorRequest) {
		r := httptest.NewRequest(q.method, target, nil)
		r.Host, r.RemoteAddr = rigHost, "127.0.0.1:4711"
		for pair := range slices.Chunk(q.header, 2) {
			r.Header.Add(pair[0], pair[1])
		}
		w := httptest.NewRecorder()
		h(w, r)
		answers[name] = readAnswer(t, w.Result())
	}
	send("proxy", g.ServeHTTP, q.target, q)
	send("Wrap", g.Wrap(site).ServeHTTP, q.target, q)
	send("ext_authz", g.Authorize, q.target, q)
	asked := doorRequest{"GET", "", append(forwarded(q.method, q.target), q.header...)}
	send("forward auth", g.ServeHTTP, "/_wx/auth", asked)
	send("forward auth with redirects", g.ServeHTTP, "/_wx/auth?redirect=true", asked)
	send("forward auth by the path", g.ServeHTTP, "/_wx/auth"+q.target, q)
	return answers
}

// Every other refusal of a form is a page too, with a button that leads back to
// the page that the form was on: the address that it was sent to is no page.
func TestFormRefusedForAnotherReason(t *testing.T) {
	t.Parallel()
	silent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // before that, net/http does not see that the client has left
		<-r.Context().Done()
	})
	r := newRig(t, nil, func(c *testConfig) {
		c.MaxBodyBytes, c.UpstreamTimeout = 30, 50*time.Millisecond
		c.APIPaths = []string{"/api/"}
		slow := httptest.NewServer(silent)
		t.Cleanup(slow.Close)
		away := mustURL(t, "http://127.0.0.1:1")
		c.Upstreams = []gateway.Upstream{
			{Prefix: "/slow/", URL: mustURL(t, slow.URL)}, {Prefix: "/away/", URL: away}, {Prefix: "/api/away/", URL: away},
		}
	})
	visitor := signedIn(t)
	for _, tt := range []struct {
		name, method, target, body string
		status                     int
		heading                    string // empty: JSON
		more                       []string
	}{
		{"upstream away", "POST", "/away/x", "a=b", 502, headingUpstreamDown, nil},
		{"upstream away, API path", "POST", "/api/away/x", "a=b", 502, "", nil},
		{"upstream slow", "POST", "/slow/x", "a=b", 504, headingUpstreamDown, nil},
		{"too large", "POST", "/away/x", strings.Repeat("a", 31), 413, headingTooLarge, nil},
		{"too large, API path", "POST", "/api/away/x", strings.Repeat("a", 31), 413, "", nil},
		{"no upstream", "POST", "/none", "a=b", 404, "页面不存在", nil},
		{"no such endpoint", "POST", "/_wx/none", "a=b", 404, "页面不存在", nil},
		{"endpoint of another method", "POST", "/_wx/login", "a=b", 405, headingMethod, nil},
		{"sign-out by another site", "POST", "/_wx/logout", "", 403, headingForbidden,
			[]string{"Sec-Fetch-Site", "cross-site"}},
		{"endpoint for scripts", "POST", "/_wx/session", "a=b", 400, "", nil},
		{"PUT", "PUT", "/away/x", "a=b", 502, "", nil},
	} {
		header := append(asFormOf(rigOrigin+"/cart?id=7"), append([]string{"Cookie", visitor}, tt.more...)...)
		a := r.send(t, r.newRequest(t, tt.method, tt.target, strings.NewReader(tt.body), header...))
		if a.StatusCode != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, a.StatusCode, tt.status)
		}
		if tt.heading == "" {
			refusalOf(t, a)
			continue
		}
		wantPage(t, a, tt.status, tt.heading)
		want := rigOrigin + "/cart?id=7"
		if tt.status == 404 || tt.status == 405 { // these pages lead to the home page
			want = "/"
		}
		if got := button(t, a.body); got != want {
			t.Errorf("%s: button leads to %q, want %q", tt.name, got, want)
		}
	}
}

// A visitor who does not follow sends a form: the button of the page leads back to
// the page that it was on, and asks again.
func TestFormOfANonFollower(t *testing.T) {
	t.Parallel()
	testFollowSite(t, "tom", func(t *testing.T, s *loginSite, b *wechattest.Browser) {
		s.open(b, "/")
		from := func(page string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Referer", page) }
		}
		for referer, want := range map[string]string{
			s.url + "/cart": s.url + "/cart", "": "/", "https://evil.example/": "/",
		} {
			a := s.do(b, "POST", "/orders", strings.NewReader("a=b"), from(referer))
			wantPage(t, a, 403, headingFollow)
			if got := button(t, a.body); got != want {
				t.Errorf("from %q: button leads to %q, want %q", referer, got, want)
			}
		}
		s.wx.Fault(wechattest.Fault{Path: userPath, Mode: wechattest.FaultErrcode, Code: -1})
		time.Sleep(25 * time.Hour) // the last answer no longer counts, nor does the session
		s.open(b, "/")
		a := s.do(b, "POST", "/orders", nil, from(s.url+"/cart"))
		wantPage(t, a, 503, headingWeChatAway)
		if got := button(t, a.body); got != s.url+"/cart" {
			t.Errorf("while WeChat is away: button leads to %q, want %s/cart", got, s.url)
		}
	})
}

// A host of no site has no page to lead back to.
func TestFormAtAnUnknownHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, new(echo), func(c *testConfig) { c.Hosts = []string{rigHost} })
	q := r.newRequest(t, "POST", "/", nil, asFormOf("https://evil.example/")...)
	q.Host = "evil.example"
	a := r.send(t, q)
	kind, button := a.Header.Get("Content-Type"), buttonLink.FindString(a.body)
	if a.StatusCode != 421 || !strings.HasPrefix(kind, "text/html") || button != "" {
		t.Errorf("answer %d %s with button %q, want a 421 page without one", a.StatusCode, kind, button)
	}
}

// The login at the button of the page leads back to the page that the form was on.
func TestFormSentAgainAfterTheLogin(t *testing.T) {
	t.Parallel()
	s := newLoginMemorySite(t, nil)
	b := s.browser()
	form := func(r *http.Request) { r.Header.Set("Referer", s.url+"//cart?id=7") }
	a := s.do(b, "POST", "/orders", strings.NewReader("a=b"), form)
	wantPage(t, a, 401, headingFormUnauthorized)
	page := s.open(b, button(t, a.body))
	if got := echoIn(t, page.Body).Target; got != "//cart?id=7" {
		t.Errorf("the login leads back to %q, want //cart?id=7", got)
	}
	if a := s.do(b, "POST", "/orders", strings.NewReader("a=b"), form); echoIn(t, a.body).Method != "POST" {
		t.Errorf("sent again: %d, want the site", a.StatusCode)
	}
}
