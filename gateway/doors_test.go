package gateway_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/extauthz"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A doorRequest is a visitor's request, for any of the four doors.
type doorRequest struct {
	method string
	target string
	header []string // name, value …
}

// A doorAnswer is what a door made of a request.
type doorAnswer struct {
	passes bool
	openID string // in the request to the site
	status int    // of an answer to the visitor
	login  bool   // the answer leads to the login
}

// A testDoor sends requests through one door.
type testDoor struct {
	name string
	send func(*testing.T, doorRequest) doorAnswer
}

// fourDoors are the doors of g, before the echoing site.
func fourDoors(t *testing.T, g *gateway.Gateway, site http.Handler) []testDoor {
	return []testDoor{
		{"proxy", throughHandler(t, g)},
		{"Wrap", throughHandler(t, g.Wrap(site))},
		{"forward auth", throughForwardAuth(t, g)},
		{"ext_authz", throughEnvoy(t, g)},
	}
}

// TestFourDoors sends the same requests through the reverse proxy, Wrap, forward
// auth over HTTP and Envoy's gRPC service, which have to decide alike.
func TestFourDoors(t *testing.T) {
	t.Parallel()
	site := new(echo)
	upstream := httptest.NewServer(site)
	t.Cleanup(upstream.Close)
	g, r := newGateway(t, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
		c.PublicPaths = []string{"/static/", "GET /news/{id}"}
		c.APIPaths = []string{"/api/"}
		c.OutsideWeChat = gateway.OutsidePage
		c.DenyOpenIDsFile = openIDList(t, "oDENIED\n")
		c.DenySnapshotUsers = true
		c.TrustedProxies = loopback
	})
	doors := fourDoors(t, g, site)
	visitor := signedIn(t)
	denied := signedIn(t, func(s *session.Session) { s.OpenID = "oDENIED" })
	snapshot := signedIn(t, func(s *session.Session) { s.SnapshotUser = true })
	script := []string{"Accept", "*/*", "Sec-Fetch-Mode", "cors", "User-Agent", browserUA}
	elsewhere := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "User-Agent", "Mozilla/5.0 (Windows NT 10.0) Chrome/120"}
	with := func(header []string, more ...string) []string { return append(slices.Clone(header), more...) }
	for _, tt := range []struct {
		name    string
		request doorRequest
		want    doorAnswer
		outcome string
	}{
		{"page load", doorRequest{"GET", "/orders?id=1", asPage}, doorAnswer{status: 302, login: true}, "login"},
		{"HEAD", doorRequest{"HEAD", "/orders", asPage}, doorAnswer{status: 302, login: true}, "login"},
		{"curl", doorRequest{"GET", "/orders", []string{"User-Agent", "curl/8", "Accept", "*/*"}}, doorAnswer{login: true}, "login"},
		{"page load in another browser", doorRequest{"GET", "/orders", elsewhere}, doorAnswer{login: true}, "login"},
		{"script", doorRequest{"GET", "/orders", script}, doorAnswer{status: 401}, "unauthorized"},
		{"XMLHttpRequest", doorRequest{"GET", "/orders", with(asPage, "X-Requested-With", "XMLHttpRequest")}, doorAnswer{status: 401}, "unauthorized"},
		{"form", doorRequest{"POST", "/orders", asPage}, doorAnswer{status: 401}, "unauthorized"},
		{"API path", doorRequest{"GET", "/api/orders", asPage}, doorAnswer{status: 401}, "unauthorized"},
		{"upgrade", doorRequest{"GET", "/socket", []string{"Connection", "Upgrade", "Upgrade", "websocket", "Accept", "text/html"}}, doorAnswer{status: 401}, "unauthorized"},
		{"public path", doorRequest{"GET", "/static/a.css?v=1", script}, doorAnswer{passes: true}, "public"},
		{"public path, any method", doorRequest{"POST", "/static/a.css", script}, doorAnswer{passes: true}, "public"},
		{"public by method", doorRequest{"GET", "/news/7", asPage}, doorAnswer{passes: true}, "public"},
		{"public by another method", doorRequest{"POST", "/news/7", script}, doorAnswer{status: 401}, "unauthorized"},
		{"beside a public path", doorRequest{"GET", "/statics", script}, doorAnswer{status: 401}, "unauthorized"},
		{"public path in the query", doorRequest{"GET", "/orders?x=/static/a", script}, doorAnswer{status: 401}, "unauthorized"},
		{"dots", doorRequest{"GET", "/static/../orders", script}, doorAnswer{status: 401}, "unauthorized"},
		{"encoded dots", doorRequest{"GET", "/static/%2e%2e/orders", script}, doorAnswer{status: 401}, "unauthorized"},
		{"encoded slash", doorRequest{"GET", "/static/..%2forders", script}, doorAnswer{status: 401}, "unauthorized"},
		{"encoded backslash", doorRequest{"GET", "/static/..%5corders", script}, doorAnswer{status: 401}, "unauthorized"},
		{"encoded percent sign", doorRequest{"GET", "/static/%252e%252e/orders", script}, doorAnswer{status: 401}, "unauthorized"},
		{"two slashes", doorRequest{"GET", "/static//a", script}, doorAnswer{status: 401}, "unauthorized"},
		{"parameter", doorRequest{"GET", "/static/a;b", script}, doorAnswer{status: 401}, "unauthorized"},
		{"overlong UTF-8", doorRequest{"GET", "/static/%c0%ae%c0%ae/orders", script}, doorAnswer{status: 401}, "unauthorized"},
		{"letters beyond ASCII", doorRequest{"GET", "/static/%E5%9B%BE.png", script}, doorAnswer{passes: true}, "public"},
		{"session", doorRequest{"GET", "/orders?id=1", with(asPage, "Cookie", visitor)}, doorAnswer{passes: true, openID: rigOpenID}, "proxied"},
		{"session, script", doorRequest{"DELETE", "/api/orders/7", with(script, "Cookie", "a=b; "+visitor)}, doorAnswer{passes: true, openID: rigOpenID}, "proxied"},
		{"session on a public path", doorRequest{"GET", "/static/a", with(script, "Cookie", visitor)}, doorAnswer{passes: true, openID: rigOpenID}, "proxied"},
		{"session, odd path", doorRequest{"GET", "/static/..%2forders", with(script, "Cookie", visitor)}, doorAnswer{passes: true, openID: rigOpenID}, "proxied"},
		{"tampered session", doorRequest{"GET", "/orders", with(script, "Cookie", visitor+"x")}, doorAnswer{status: 401}, "unauthorized"},
		{"forged identity", doorRequest{"GET", "/static/a", with(script, "X-WX-OpenID", "forged", "X_wx_openid", "forged")}, doorAnswer{passes: true}, "public"},
		{"forged identity beside a session", doorRequest{"GET", "/orders", with(script, "Cookie", visitor, "X-Wx-OpenID", "forged")}, doorAnswer{passes: true, openID: rigOpenID}, "proxied"},
		{"forged original", doorRequest{"GET", "/orders", with(script, "X-Rewrite-Url", "/static/a")}, doorAnswer{status: 401}, "unauthorized"},
		{"denied", doorRequest{"GET", "/orders", with(asPage, "Cookie", denied)}, doorAnswer{status: 403}, "forbidden"},
		{"denied on a public path", doorRequest{"GET", "/static/a", with(script, "Cookie", denied)}, doorAnswer{passes: true}, "public"},
		{"snapshot visitor", doorRequest{"GET", "/orders", with(script, "Cookie", snapshot)}, doorAnswer{status: 401}, "unauthorized"},
	} {
		for _, door := range doors {
			got := door.send(t, tt.request)
			if tt.want.status == 0 {
				got.status = 0 // one door shows the page to which another redirects
			}
			if got != tt.want {
				t.Errorf("%s, through %s: %+v, want %+v", tt.name, door.name, got, tt.want)
			}
			line := r.lines.next(t)
			if outcome := line["outcome"]; outcome != tt.outcome {
				t.Errorf("%s, through %s: outcome %v, want %s", tt.name, door.name, outcome, tt.outcome)
			}
			// A visitor who passes as nobody is not named.
			named := tt.outcome == "proxied" || tt.outcome == "forbidden"
			if _, ok := line["user"]; ok != named {
				t.Errorf("%s, through %s: the access line names a user: %t, want %t", tt.name, door.name, ok, named)
			}
		}
	}
}

// The allow list and RequireFollow apply at every door.
func TestFourDoorsFollowersAndAllowList(t *testing.T) {
	t.Parallel()
	account := wechattest.StockAccount()
	account.AppID = rigAppID
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{account}})
	if err != nil {
		t.Fatal(err)
	}
	follower, stranger, unlisted := wx.OpenID(rigAppID, "lihua"), wx.OpenID(rigAppID, "tom"), wx.OpenID(rigAppID, "xiaomei")
	for id, follows := range map[string]bool{"lihua": true, "tom": false, "xiaomei": true} {
		wx.SetFollows(rigAppID, id, follows)
	}
	allow := openIDList(t, follower+"\n"+stranger+"\n")
	site := new(echo)
	g, _ := newGateway(t, site, func(c *testConfig) {
		c.Account = &wechat.Client{AppID: rigAppID, AppSecret: wechattest.StockAppSecret, Transport: wx.Transport()}
		c.Tokens = &wechat.TokenSource{Client: c.Account}
		c.RequireFollow, c.AllowOpenIDsFile = true, allow
		c.PublicPaths, c.TrustedProxies = []string{"/static/"}, loopback
	})
	for _, door := range fourDoors(t, g, site) {
		for _, tt := range []struct {
			openID, target string
			header         []string
			want           doorAnswer
		}{
			{follower, "/orders", asPage, doorAnswer{passes: true, openID: follower}},
			{follower, "/orders", nil, doorAnswer{passes: true, openID: follower}},
			{stranger, "/orders", asPage, doorAnswer{status: 403}},
			{stranger, "/orders", nil, doorAnswer{status: 403}},
			{stranger, "/static/a", nil, doorAnswer{passes: true}},
			{unlisted, "/orders", asPage, doorAnswer{status: 403}},
			{unlisted, "/orders", nil, doorAnswer{status: 403}},
			{unlisted, "/static/a", nil, doorAnswer{passes: true}},
		} {
			cookie := signedIn(t, func(s *session.Session) { s.OpenID = tt.openID })
			if got := door.send(t, doorRequest{"GET", tt.target, append(slices.Clone(tt.header), "Cookie", cookie)}); got != tt.want {
				t.Errorf("%s, GET %s: %+v, want %+v", door.name, tt.target, got, tt.want)
			}
		}
	}
}

// throughHandler sends requests to a handler with the echoing site behind it.
func throughHandler(t *testing.T, h http.Handler) func(*testing.T, doorRequest) doorAnswer {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	front := &rig{Server: server}
	return func(t *testing.T, q doorRequest) doorAnswer {
		a := front.do(t, q.method, q.target, q.header...)
		location := a.Header.Get("Location")
		if a.StatusCode != 200 || strings.Contains(a.body, "<h1>") {
			return doorAnswer{status: a.StatusCode, login: strings.HasPrefix(location, "https://open.weixin.qq.com/") || a.StatusCode == 200}
		}
		seen := echoOf(t, a)
		if seen.Target != q.target || seen.Method != q.method {
			t.Errorf("%s %s reached the site as %s %s", q.method, q.target, seen.Method, seen.Target)
		}
		return passed(t, seen.Header)
	}
}

// throughForwardAuth asks about requests as Caddy and Traefik do.
func throughForwardAuth(t *testing.T, h http.Handler) func(*testing.T, doorRequest) doorAnswer {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	front := &rig{Server: server}
	return func(t *testing.T, q doorRequest) doorAnswer {
		header := append(forwarded(q.method, q.target), q.header...)
		a := front.do(t, "GET", "/_wx/auth?redirect=true", header...)
		if a.StatusCode != 200 {
			return doorAnswer{status: a.StatusCode, login: strings.HasPrefix(a.Header.Get("Location"), rigOrigin+"/_wx/login")}
		}
		if len(a.Header["X-Wx-Openid"]) != 1 {
			t.Errorf("%s %s: 200 with X-WX-OpenID %q, want one", q.method, q.target, a.Header["X-Wx-Openid"])
		}
		return passed(t, a.Header)
	}
}

// throughEnvoy asks about requests as Envoy does over gRPC.
func throughEnvoy(t *testing.T, g *gateway.Gateway) func(*testing.T, doorRequest) doorAnswer {
	client := newExtAuthz(t, g)
	return func(t *testing.T, q doorRequest) doorAnswer {
		answer, err := client.Check(t.Context(), checkOf(q))
		if err != nil {
			t.Fatalf("Check: %v", err)
		}
		if denied := answer.GetDeniedResponse(); denied != nil {
			a := doorAnswer{status: int(denied.GetStatus().GetCode())}
			for _, h := range denied.GetHeaders() {
				if strings.EqualFold(h.GetHeader().GetKey(), "Location") {
					a.login = strings.HasPrefix(headerValue(h.GetHeader()), rigOrigin+"/_wx/login")
				}
			}
			return a
		}
		// Make the request for the site as Envoy does.
		site := make(http.Header)
		for pair := range slices.Chunk(q.header, 2) {
			site.Add(pair[0], pair[1])
		}
		for _, h := range answer.GetOkResponse().GetHeaders() {
			site.Set(h.GetHeader().GetKey(), headerValue(h.GetHeader()))
		}
		for _, name := range answer.GetOkResponse().GetHeadersToRemove() {
			for sent := range site {
				if strings.EqualFold(sent, name) {
					delete(site, sent)
				}
			}
		}
		if strings.Contains(site.Get("Cookie"), rigCookie) {
			t.Errorf("%s %s: the site gets %q", q.method, q.target, site.Get("Cookie"))
		}
		return passed(t, site)
	}
}

// passed is the answer for a request that has passed with the header h.
func passed(t *testing.T, h http.Header) doorAnswer {
	t.Helper()
	a := doorAnswer{passes: true, openID: h.Get("X-WX-OpenID")}
	want := 0
	if a.openID != "" {
		want = 4 // OpenID, AppID, Source, Scope
	}
	if h.Get("X-WX-Subscribed") != "" {
		want++
	}
	var found []string
	for _, field := range hasPrefixFold(h, "x-wx-") {
		if !strings.HasSuffix(field, ": ") {
			found = append(found, field)
		}
	}
	if len(found) != want {
		t.Errorf("identity headers %q, want %d", found, want)
	}
	return a
}

// newExtAuthz starts the ext_authz service of g and returns a client.
func newExtAuthz(t testing.TB, g *gateway.Gateway) authv3.AuthorizationClient {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := extauthz.New(http.HandlerFunc(g.Authorize), zerolog.Nop())
	go server.Serve(listener)
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		server.Close()
	})
	return authv3.NewAuthorizationClient(conn)
}

// checkOf is Envoy's question about a request. Header names are in lower case and
// include pseudo headers.
func checkOf(q doorRequest) *authv3.CheckRequest {
	headers := map[string]string{":method": q.method, ":path": q.target, ":authority": rigHost, ":scheme": "https"}
	for pair := range slices.Chunk(q.header, 2) {
		headers[strings.ToLower(pair[0])] = pair[1]
	}
	return &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
			SocketAddress: &corev3.SocketAddress{Address: "203.0.113.7", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: 40000}}}}},
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Id: "1", Method: q.method, Path: q.target, Host: rigHost, Scheme: "https", Protocol: "HTTP/2", Headers: headers,
		}},
	}}
}

func headerValue(h *corev3.HeaderValue) string {
	if h.GetValue() != "" {
		return h.GetValue()
	}
	return string(h.GetRawValue())
}
