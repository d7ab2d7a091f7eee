package gateway_test

import (
	"io"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

// identityOfRig are the identity headers of the rig's visitor.
var identityOfRig = []string{"X-Wx-Appid: " + rigAppID, "X-Wx-Openid: " + rigOpenID, "X-Wx-Scope: snsapi_base", "X-Wx-Source: wx_client"}

// spoofs are spellings of identity headers that a client might send.
var spoofs = []string{
	"X-WX-OpenID", "X-Wx-Openid", "x-wx-openid", "X-WX-OPENID", "x-Wx-oPeNiD",
	"X_WX_OPENID", "X_Wx_Openid", "x_wx_openid", "X-WX_OpenID", "X_WX-OpenID", "X-Wx_Openid",
	"X.WX.OpenID", "X-WX.OpenID", "X~WX~OpenID", "X!WX!OpenID", "X'WX'OpenID", "X|WX|OpenID", "X+WX+OpenID",
	"X-WX-UnionID", "X-WX-AppID", "X-WX-Source", "X-WX-Scope", "X-WX-Nickname", "X-WX-Avatar", "X-WX-Subscribed",
	"X-WX-Snapshot-User", "X-WX-Access-Token", "X-WX-Assertion", "X-WX-From-OpenID", "X-WX-Env", "X-WX-Anything", "X-WX-",
}

func TestClientSentIdentityIsRemoved(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo), func(c *testConfig) { c.PublicPaths = []string{"/public/"} })
	cookie := signedIn(t)
	requests := []struct {
		name, path, cookie string
		want               []string
	}{
		{"with a session", "/page", cookie, identityOfRig},
		{"public path with a session", "/public/page", cookie, identityOfRig},
		{"public path without", "/public/page", "", nil},
		{"public path with a tampered session", "/public/page", cookie + "x", nil},
	}
	for _, v := range requests {
		for _, name := range spoofs {
			lines := []string{"GET " + v.path + " HTTP/1.1", "Host: " + rigHost, name + ": forged", name + ": forged twice"}
			if v.cookie != "" {
				lines = append(lines, "Cookie: "+v.cookie)
			}
			got := hasPrefixFold(echoOf(t, rig.ask(t, lines...)).Header, "x")
			got = slices.DeleteFunc(got, func(line string) bool {
				return strings.HasPrefix(line, "X-Forwarded-") || strings.HasPrefix(line, "X-Request-Id: ")
			})
			if !slices.Equal(got, v.want) {
				t.Errorf("%s, %s: forged: the site saw %q, want %q", v.name, name, got, v.want)
			}
		}
	}
}

func TestConnectionHeaderRemovesNothing(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	got := echoOf(t, rig.ask(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t),
		"Connection: X-WX-OpenID, X-WX-Source, X-WX-AppID, X-WX-Scope, X-Forwarded-For, X-Forwarded-Proto, X-Request-ID")).Header
	if identity := hasPrefixFold(got, "x-wx-"); !slices.Equal(identity, identityOfRig) {
		t.Errorf("identity headers = %q, want %q", identity, identityOfRig)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id"} {
		if got.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestRequestTrailersAreNotForwarded(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	for _, announce := range []string{"Trailer: X-WX-OpenID, Digest", "X-Nothing: announced"} {
		got := echoOf(t, rig.ask(t, "POST / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t),
			announce, "Transfer-Encoding: chunked", "Connection: close", "",
			"4", "body", "0", "X-WX-OpenID: forged", "Digest: 1"))
		if got.Body != "body" || len(got.Trailer) > 0 || got.Header.Get("Trailer") != "" {
			t.Errorf("%s: the site saw body %q, trailers %v, Trailer: %q", announce, got.Body, got.Trailer, got.Header.Get("Trailer"))
		}
		if identity := hasPrefixFold(got.Header, "x-wx-"); !slices.Equal(identity, identityOfRig) {
			t.Errorf("%s: identity headers = %q, want %q", announce, identity, identityOfRig)
		}
	}
}

func TestIdentityHeaders(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	tests := []struct {
		name   string
		change func(*session.Session)
		want   []string
	}{
		{"base", func(*session.Session) {}, identityOfRig},
		{"all that is known", func(s *session.Session) {
			s.Scope, s.UnionID, s.Nickname, s.Avatar = "snsapi_userinfo", "oUNION", "小明 🎈\n", "https://thirdwx.qlogo.cn/a?b=1"
		}, []string{
			"X-Wx-Appid: " + rigAppID, "X-Wx-Avatar: https://thirdwx.qlogo.cn/a?b=1",
			"X-Wx-Nickname: %E5%B0%8F%E6%98%8E%20%F0%9F%8E%88%0A", "X-Wx-Openid: " + rigOpenID,
			"X-Wx-Scope: snsapi_userinfo", "X-Wx-Source: wx_client", "X-Wx-Unionid: oUNION",
		}},
		{"snapshot visitor", func(s *session.Session) { s.SnapshotUser = true }, []string{
			"X-Wx-Appid: " + rigAppID, "X-Wx-Openid: " + rigOpenID, "X-Wx-Scope: snsapi_base",
			"X-Wx-Snapshot-User: true", "X-Wx-Source: wx_client",
		}},
	}
	for _, test := range tests {
		got := hasPrefixFold(echoOf(t, rig.do(t, "GET", "/", "Cookie", signedIn(t, test.change))).Header, "x-wx-")
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: identity headers (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestOwnCookiesAreNotForwarded(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	own := signedIn(t)
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"only the session", []string{own}, nil},
		{"session first", []string{own + "; a=1"}, []string{"a=1"}},
		{"session last", []string{"a=1; " + own}, []string{"a=1"}},
		{"others byte for byte", []string{`a="q v";b=%20;  c=x=y; ` + own + `; d; e=中`}, []string{`a="q v";b=%20;  c=x=y; d; e=中`}},
		{"a login under way", []string{own + "; __Host-wxgate_login_0123456789abcdef=v; a=1"}, []string{"a=1"}},
		{"two sessions", []string{own + "; a=1; " + rigCookie + "=old"}, []string{"a=1"}},
		{"names that begin alike", []string{own + "; __Host-wxgate2=a; wxgate=b; __Host-wxgate_theme=c"}, []string{"__Host-wxgate2=a; wxgate=b; __Host-wxgate_theme=c"}},
		{"several lines", []string{"a=1", own, "b=2"}, []string{"a=1", "b=2"}},
	}
	for _, test := range tests {
		lines := []string{"GET / HTTP/1.1", "Host: " + rigHost}
		for _, line := range test.lines {
			lines = append(lines, "Cookie: "+line)
		}
		if got := echoOf(t, rig.ask(t, lines...)).Header["Cookie"]; !slices.Equal(got, test.want) {
			t.Errorf("%s: the site saw cookies %q, want %q", test.name, got, test.want)
		}
	}
}

// siteCookies are the Set-Cookie lines of a site that tries to set the gateway's
// cookies.
var siteCookies = []string{
	"a=1; Path=/", rigCookie + "=evil; Path=/; Secure", "b=2",
	rigCookie + "_login_0123456789abcdef=evil", "=" + rigCookie + "=evil", " " + rigCookie + " =evil", "__Host-wxgate_theme=dark",
}

var keptSiteCookies = []string{"a=1; Path=/", "b=2", "__Host-wxgate_theme=dark"}

func TestUpstreamCannotSetOwnCookies(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Set-Cookie"] = siteCookies
		if r.URL.Path == "/preliminary" {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
		}
	}))
	for _, path := range []string{"/", "/preliminary"} {
		conn := rig.dial(t)
		conn.say(t, "GET "+path+" HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "")
		if path == "/preliminary" {
			early := conn.hear(t, "GET")
			if early.StatusCode != http.StatusEarlyHints || early.Header.Get("Link") == "" || early.Header["Set-Cookie"] != nil {
				t.Errorf("preliminary answer = %d %v, want 103 with Link and without cookies", early.StatusCode, early.Header)
			}
		}
		if got := readAnswer(t, conn.hear(t, "GET")).Header["Set-Cookie"]; !slices.Equal(got, keptSiteCookies) {
			t.Errorf("%s: Set-Cookie = %q, want %q", path, got, keptSiteCookies)
		}
	}
}

func TestUpstreamCannotSetOwnCookiesWhileSwitching(t *testing.T) {
	t.Parallel()
	rig := newRig(t, switching(func(conn io.ReadWriter) {
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
		for _, line := range siteCookies {
			io.WriteString(conn, "Set-Cookie:"+line+"\r\n")
		}
		io.WriteString(conn, "\r\n")
	}))
	conn := rig.dial(t)
	conn.say(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "Connection: Upgrade", "Upgrade: websocket", "")
	res := conn.hear(t, "GET")
	if res.StatusCode != http.StatusSwitchingProtocols || !slices.Equal(res.Header["Set-Cookie"], keptSiteCookies) {
		t.Errorf("answer = %d with Set-Cookie %q, want 101 with %q", res.StatusCode, res.Header["Set-Cookie"], keptSiteCookies)
	}
}

// switching is a site that hijacks each connection.
func switching(talk func(io.ReadWriter)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		talk(struct {
			io.Reader
			io.Writer
		}{rw, conn})
	})
}

func TestForwardingHeaders(t *testing.T) {
	t.Parallel()
	trusted := func(c *testConfig) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }
	untrusting, trusting := newRig(t, new(echo)), newRig(t, new(echo), trusted)
	sent := []string{
		"X-Forwarded-For: 203.0.113.9", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: gopher", "X-Forwarded-Port: 1",
		"X-Forwarded-Uri: /evil", "X-Real-IP: 203.0.113.9", "Forwarded: for=203.0.113.9", "X-Request-ID: abc-123",
		"X_Forwarded_For: 203.0.113.9", "X-Original-URL: /evil", "X_Request_ID: evil", "X_Real_IP: 203.0.113.9",
	}
	tests := []struct {
		name string
		rig  *rig
		sent []string
		want http.Header // X-Request-Id: where it is given
	}{
		{"untrusted peer", untrusting, sent, http.Header{
			"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {rigHost}, "X-Forwarded-Proto": {"https"},
		}},
		{"trusted peer", trusting, sent, http.Header{
			"X-Forwarded-For": {"203.0.113.9, 127.0.0.1"}, "X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"gopher"},
			"X-Forwarded-Port": {"1"}, "X-Real-Ip": {"203.0.113.9"},
			"X-Request-Id": {"abc-123"},
		}},
		{"trusted peer without headers", trusting, nil, http.Header{
			"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {rigHost}, "X-Forwarded-Proto": {"https"},
		}},
		{"trusted peer with an unfit request id", trusting, []string{"X-Request-ID: a b\"c"}, http.Header{
			"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {rigHost}, "X-Forwarded-Proto": {"https"},
		}},
	}
	for _, test := range tests {
		lines := append([]string{"GET / HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t)}, test.sent...)
		e := echoOf(t, test.rig.ask(t, lines...))
		got := make(http.Header)
		for name, values := range e.Header {
			if name := strings.ToLower(name); strings.HasPrefix(name, "x") && !strings.HasPrefix(name, "x-wx-") || name == "forwarded" {
				got[textproto.CanonicalMIMEHeaderKey(name)] = values
			}
		}
		if _, ok := test.want["X-Request-Id"]; !ok {
			if id := got["X-Request-Id"]; len(id) != 1 || len(id[0]) < 20 {
				t.Errorf("%s: X-Request-ID = %q, want one that is new", test.name, id)
			}
			delete(got, "X-Request-Id")
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: forwarding headers (-want +got):\n%s", test.name, diff)
		}
		if e.Host != rigHost {
			t.Errorf("%s: Host = %q, want %q", test.name, e.Host, rigHost)
		}
	}
}

func TestHostIsKept(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	for _, host := range []string{"h5.example.com", "other.example:8443", "H5.Example.COM", "[::1]:80"} {
		conn := rig.dial(t)
		conn.say(t, "GET / HTTP/1.1", "Host: "+host, "Cookie: "+signedIn(t), "")
		if got := echoOf(t, readAnswer(t, conn.hear(t, "GET"))).Host; got != host {
			t.Errorf("Host = %q, want %q", got, host)
		}
	}
}

// All other headers are passed on in both directions.
func TestOtherHeadersPass(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Site"] = r.Header["X-Site"]
		w.Header().Set("User-Agent-Seen", r.UserAgent())
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
	}))
	a := rig.do(t, "GET", "/", "Cookie", signedIn(t), "X-Site", "one", "X-Site", "two", "User-Agent", "")
	if got := a.Header["X-Site"]; !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("X-Site = %q, want both values", got)
	}
	if got := a.Header.Get("User-Agent-Seen"); got != "" {
		t.Errorf("User-Agent = %q, want none: none was sent", got)
	}
	if got := a.Header.Get("Content-Security-Policy"); got != "default-src 'self'" {
		t.Errorf("Content-Security-Policy = %q, want the site's", got)
	}
}

// A Set-Cookie in a trailer is dropped: an intermediary may merge it into the
// header, past the check for the gateway's own cookies.
func TestCookiesInTrailersAreDropped(t *testing.T) {
	t.Parallel()
	for _, announced := range []bool{true, false} {
		rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if announced {
				w.Header().Set("Trailer", "Set-Cookie, X-Sum")
			}
			io.WriteString(w, "body")
			http.NewResponseController(w).Flush()
			w.Header().Set(http.TrailerPrefix+"Set-Cookie", rigCookie+"=evil")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		}))
		a := rig.do(t, "GET", "/", "Cookie", signedIn(t))
		if a.Trailer.Get("Set-Cookie") != "" || a.Trailer.Get("X-Sum") != "1" {
			t.Errorf("announced %t: trailers %v, want X-Sum alone", announced, a.Trailer)
		}
	}
}
