package deploy_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// testFront holds a proxy, run by run with the shipped configuration, against
// what wxgate promises.
func testFront(t *testing.T, run func(t *testing.T, listen, wxgate, site string)) {
	wxgate := buildGateway(t)
	f := newFront(t, wxgate, run)
	her := f.signIn(t, "/orders?from=menu")

	t.Run("login", func(t *testing.T) { f.testLogin(t, her) })
	t.Run("without a session", f.testWithoutSession)
	t.Run("own endpoints", func(t *testing.T) { f.testOwnEndpoints(t, her) })
	t.Run("identity cannot be claimed", func(t *testing.T) { f.testIdentityClaims(t, her) })
	t.Run("another request cannot be claimed", func(t *testing.T) { f.testRequestClaims(t, her) })
	t.Run("path tricks", f.testPathTricks)
	t.Run("same bytes", func(t *testing.T) { f.testSameBytes(t, her) })
	t.Run("upload", func(t *testing.T) { f.testUpload(t, her) })
	t.Run("WebSocket", func(t *testing.T) { f.testWebSocket(t, her) })
	t.Run("event stream", func(t *testing.T) { f.testEvents(t, her) })
	t.Run("sign-out", f.testSignOut)
	t.Run("renewal", func(t *testing.T) { newFront(t, wxgate, run, "WXGATE_SESSION_TTL=4s").testRenewal(t) })
	// The last ones take the servers away.
	t.Run("site away", func(t *testing.T) { f.testSiteAway(t, her) })
	t.Run("wxgate away", func(t *testing.T) { newFront(t, wxgate, run).testGatewayAway(t) })
}

func (f front) testLogin(t *testing.T, her *visitor) {
	got := f.reached(t, her.get(t, f.origin+"/orders?from=menu", pageLoad))
	if got.Target != "/orders?from=menu" {
		t.Errorf("site was asked for %s, want /orders?from=menu", got.Target)
	}
	for name, want := range map[string]string{"X-Wx-Source": "wx_client", "X-Wx-Scope": "snsapi_base"} {
		if have := got.Header.Get(name); have != want {
			t.Errorf("site got %s %q, want %q", name, have, want)
		}
	}
	for _, name := range []string{"X-Wx-Openid", "X-Wx-Appid", "X-Forwarded-For", "X-Request-Id"} {
		if values := got.Header[name]; len(values) != 1 || values[0] == "" {
			t.Errorf("site got %s %q, want one value", name, values)
		}
	}
	for _, name := range []string{"X-Wx-Nickname", "X-Wx-Assertion", "X-Wx-Snapshot-User"} {
		if values, ok := got.Header[name]; ok {
			t.Errorf("site got %s %q, want none: nothing is known", name, values)
		}
	}
	me := her.get(t, f.origin+"/_wx/me", script)
	var identity struct{ OpenID string }
	if err := json.Unmarshal(me.body, &identity); err != nil || identity.OpenID != got.Header.Get("X-Wx-Openid") {
		t.Errorf("/_wx/me tells openid %q (%v), the site got %q", identity.OpenID, err, got.Header.Get("X-Wx-Openid"))
	}
	// Cookies and a login's address are larger than the buffers of some proxies.
	f.reached(t, her.get(t, f.origin+"/orders", http.Header{"Cookie": {"filler=" + strings.Repeat("wxgate", 2000)}}))
	f.signIn(t, "/orders?q="+strings.Repeat("wxgate", 300))
	if got := f.reached(t, her.get(t, f.origin+"/static/a.css", script)); got.Header.Get("X-Wx-Openid") == "" {
		t.Error("the site got no openid on a public path from a signed-in visitor")
	}
}

func (f front) testWithoutSession(t *testing.T) {
	nobody := newVisitor(t)
	got := f.reached(t, nobody.get(t, f.origin+"/static/a.css", pageLoad))
	if got.Header.Get("X-Wx-Openid") != "" || got.Header["X-Wx-Source"] != nil {
		t.Errorf("site got openid %q, source %q on a public path without a session", got.Header.Get("X-Wx-Openid"), got.Header["X-Wx-Source"])
	}

	tests := []struct {
		name   string
		method string
		target string
		kind   http.Header
		status int
	}{
		{"page load", "GET", "/orders?a=1&b=%E4%BD%A0", pageLoad, 302},
		{"HEAD", "HEAD", "/orders", pageLoad, 302},
		{"fetch", "GET", "/orders", script, 401},
		{"POST", "POST", "/orders", pageLoad, 401},
		{"DELETE", "DELETE", "/orders", script, 401},
		{"public for GET alone", "POST", "/news/7", script, 401},
		{"OPTIONS", "OPTIONS", "/orders", script, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hits := f.site.hits.Load()
			res := nobody.send(t, tt.method, f.origin+tt.target, tt.kind, nil)
			if res.StatusCode != tt.status || f.site.hits.Load() != hits {
				t.Errorf("%s %s = %d, site reached %t, want %d, not reached", tt.method, tt.target, res.StatusCode, f.site.hits.Load() != hits, tt.status)
			}
			switch {
			case tt.status == 302:
				location, err := url.Parse(res.Header.Get("Location"))
				if err != nil || !strings.HasPrefix(location.String(), f.origin+"/_wx/login?") || location.Query().Get("return_to") != tt.target {
					t.Errorf("%s %s leads to %q (%v), want the login of %s", tt.method, tt.target, location, err, tt.target)
				}
			case !isJSON(res.Header):
				t.Errorf("%s %s answers %q, want JSON", tt.method, tt.target, res.Header.Get("Content-Type"))
			default:
				var refusal struct {
					Error    string
					LoginURL string `json:"login_url"`
				}
				if err := json.Unmarshal(res.body, &refusal); err != nil || refusal.Error != "unauthorized" || !strings.HasPrefix(refusal.LoginURL, f.origin+"/_wx/login") {
					t.Errorf("%s %s answers %s (%v), want unauthorized and a login_url", tt.method, tt.target, res.body, err)
				}
			}
		})
	}
}

func (f front) testOwnEndpoints(t *testing.T, her *visitor) {
	nobody := newVisitor(t)
	tests := []struct {
		who    *visitor
		target string
		status int
	}{
		{nobody, "/_wx/me", 401},
		{nobody, "/_wx/login", 302},
		{nobody, "/_wx/logout", 200},
		{nobody, "/_wx/unknown", 404},
		{nobody, "/_wx/", 404},
		{her, "/_wx/unknown", 404},
		{nobody, "/MP_verify_abc123.txt", 200},
		{nobody, "/MP_verify_other.txt", 404},
		// The answer to the question holds what only the site is told.
		{her, "/_wx/auth", 404},
		{her, "/_wx/auth/orders", 404},
		{her, "/_wx/%61uth", 404},
		{her, "/_wx//auth", 404},
	}
	for _, tt := range tests {
		hits := f.site.hits.Load()
		res := tt.who.get(t, f.origin+tt.target, script)
		if res.StatusCode != tt.status || f.site.hits.Load() != hits {
			t.Errorf("GET %s = %d, site reached %t, want %d, not reached", tt.target, res.StatusCode, f.site.hits.Load() != hits, tt.status)
		}
		for _, name := range identityHeaders {
			if value := res.Header.Get(name); value != "" {
				t.Errorf("GET %s tells the visitor %s %q", tt.target, name, value)
			}
		}
	}
}

func (f front) testIdentityClaims(t *testing.T, her *visitor) {
	for who, v := range map[string]*visitor{"nobody": newVisitor(t), "her": her} {
		for _, target := range []string{"/static/a.css", "/orders"} {
			if who == "nobody" && target == "/orders" {
				continue // does not reach the site
			}
			headers := http.Header{}
			for _, name := range claimedHeaders {
				underscored := strings.ReplaceAll(name, "-", "_")
				for _, spelling := range []string{name, underscored, strings.ToLower(underscored), "x-wx_" + name[len("X-WX-"):], strings.ReplaceAll(name, "-", "."), "X-WX." + name[len("X-WX-"):]} {
					headers[spelling] = []string{"forged"}
				}
			}
			got := f.reached(t, v.get(t, f.origin+target, headers))
			for name, values := range got.Header {
				if strings.Contains(strings.Join(values, " "), "forged") {
					t.Errorf("%s on %s: site got %s %q", who, target, name, values)
				}
			}
			if signedIn := got.Header.Get("X-Wx-Openid") != ""; signedIn != (who == "her") {
				t.Errorf("%s on %s: site got openid %q", who, target, got.Header.Get("X-Wx-Openid"))
			}
		}
	}

	// Connection names what a proxy takes out on the way.
	got := f.reached(t, her.get(t, f.origin+"/orders", http.Header{"Connection": {"X-WX-OpenID, X-WX-Source, Cookie, X-Forwarded-Uri"}}))
	if got.Header.Get("X-Wx-Openid") == "" || got.Header.Get("X-Wx-Source") == "" {
		t.Errorf("a client's Connection header took out identity headers: %q", got.Header)
	}

	// Trailers come after everything that was decided.
	conn := f.dial(t)
	fmt.Fprintf(conn, "POST /orders HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nTransfer-Encoding: chunked\r\nTrailer: X-WX-OpenID\r\n\r\n2\r\nab\r\n0\r\nX-WX-OpenID: forged\r\n\r\n",
		f.address, her.cookies(t, f.origin))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	got = f.reached(t, readAnswer(t, answer))
	if have := got.Header.Get("X-Wx-Openid"); have == "" || strings.Contains(have, "forged") {
		t.Errorf("site got openid %q with a forged trailer", have)
	}
}

func (f front) testRequestClaims(t *testing.T, her *visitor) {
	claims := map[string]string{
		"X-Forwarded-Uri":    "/static/a.css",
		"X-Forwarded-Method": "GET",
		"X-Forwarded-Host":   "forged.example.com",
		"X-Forwarded-Proto":  "https",
		"X-Forwarded-For":    "192.0.2.7",
		"X-Original-Uri":     "/static/a.css",
		"X-Original-Url":     f.origin + "/static/a.css",
		"X-Original-Method":  "GET",
		"X-Rewrite-Url":      "/static/a.css",
		"Forwarded":          "for=192.0.2.7;host=forged.example.com",
		"X-Request-Id":       "forged",
		"X_Forwarded_Uri":    "/static/a.css",
		"X_Original_Uri":     "/static/a.css",
	}
	all := http.Header{}
	for name, value := range claims {
		t.Run(name, func(t *testing.T) {
			hits := f.site.hits.Load()
			res := newVisitor(t).get(t, f.origin+"/orders", http.Header{name: {value}, "Sec-Fetch-Mode": {"cors"}})
			if res.StatusCode != 401 || f.site.hits.Load() != hits {
				t.Errorf("GET /orders with %s: %s = %d, site reached %t, want 401, not reached", name, value, res.StatusCode, f.site.hits.Load() != hits)
			}
		})
		all[name] = []string{value}
	}
	got := f.reached(t, her.get(t, f.origin+"/orders", all))
	for name, values := range got.Header {
		if claim, ok := claims[name]; ok && strings.Contains(strings.Join(values, " "), claim) {
			t.Errorf("site got the client's %s %q", name, values)
		}
	}
	if have := got.Header.Get("X-Forwarded-For"); have != "127.0.0.1" {
		t.Errorf("site got X-Forwarded-For %q, want 127.0.0.1", have)
	}
}

func (f front) testPathTricks(t *testing.T) {
	targets := []string{
		"/static/../orders", "/static/..%2forders", "/static/..%2Forders", "/static/%2e%2e/orders", "/static/%2e%2e%2forders",
		"/static/.%2e/orders", "/static/..;/orders", "/static/..%5corders", `/static/..\orders`, "/static/%252e%252e/orders",
		"/static/..%252forders", "/static//../orders", "/static/x/../../orders", "/static/%c0%ae%c0%ae/orders",
		"//orders", "///orders", "//static/../orders", "/./orders", "/orders;.css", "/orders/;/static/", "/orders%23/static/",
		"/orders?/static/", "/orders%3f/static/", "/orders#/static/a", "/static/#/../orders", "/static/%00/../orders", "/static%2f..%2forders",
		"/orders/%2e%2e/static/%2e%2e/orders", "/ORDERS", "/Static/a.css", "/static", "/static%2fa.css",
		"/_wx/../orders", "/_wx/..%2forders", "/_wx/%2e%2e/orders", "/_wx/..;/orders", "//_wx/../orders", "/_wx//../orders", "/_wx", "/_wx;/orders",
		"/_wxorders", "/_WX/../orders", "/_wx/auth/../../orders", "/_wx-check", "/_wx-check/orders",
		"/MP_verify_abc123.txt/../orders", "/MP_verify_abc123.txt/orders", "/orders/MP_verify_abc123.txt", "/orders%2fMP_verify_abc123.txt", "/MP_verify_/../orders.txt",
		"http://" + f.address + "/static/../orders", "http://" + f.address + "/orders", "http://static/orders", "http://static.example.com/static/../orders",
		"*", "orders",
	}
	for _, target := range targets {
		for _, method := range []string{"GET", "POST", "PROPFIND"} {
			hits := f.site.hits.Load()
			conn := f.dial(t)
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Mode: cors\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method, target, f.address)
			answer, err := io.ReadAll(conn)
			if err != nil && len(answer) == 0 {
				continue // hung up: refused as well
			}
			status, _, _ := strings.Cut(string(answer), "\r\n")
			if f.site.hits.Load() != hits || strings.HasPrefix(status, "HTTP/1.1 2") {
				t.Errorf("%s %s = %s, site reached %t, want refused", method, target, status, f.site.hits.Load() != hits)
			}
		}
	}
}

func (f front) testSameBytes(t *testing.T, her *visitor) {
	for _, target := range []string{
		"/orders?a=1&b=%20+%E4%BD%A0&&c", "/orders%2F1//x;y=1?q=/../", "/%E4%BD%A0/a%20b", "/a.b/.../~c", "/a+b,c@d:e!$&'()*=", "/q?", "/%7Euser/%41",
		"/orders/_wx/me", "/orders/MP_verify_abc123.txt",
	} {
		conn := f.dial(t)
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: close\r\n\r\n", target, f.address, her.cookies(t, f.origin))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.reached(t, readAnswer(t, answer)); got.Target != target {
			t.Errorf("site was asked for %s, want %s", got.Target, target)
		}
	}
}

func (f front) testUpload(t *testing.T, her *visitor) {
	body := bytes.Repeat([]byte("wxgate\n\x00"), 1<<17) // 1 MiB
	sum := sha256.Sum256(body)
	kind := http.Header{"Content-Type": {"application/octet-stream"}, "Sec-Fetch-Mode": {"cors"}}
	for name, reader := range map[string]io.Reader{"with a length": bytes.NewReader(body), "chunked": io.MultiReader(bytes.NewReader(body))} {
		got := f.reached(t, her.send(t, "POST", f.origin+"/upload", kind, reader))
		if got.Method != "POST" || got.Body != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: site got %s with a body of SHA-256 %s, want POST and %x", name, got.Method, got.Body, sum)
		}
	}
	hits := f.site.hits.Load()
	res := newVisitor(t).send(t, "POST", f.origin+"/upload", kind, bytes.NewReader(body))
	if res.StatusCode != 401 || f.site.hits.Load() != hits || !isJSON(res.Header) {
		t.Errorf("upload without a session = %d %s, site reached %t, want 401 JSON, not reached", res.StatusCode, res.Header.Get("Content-Type"), f.site.hits.Load() != hits)
	}
}

func (f front) testWebSocket(t *testing.T, her *visitor) {
	upgrade := func(t *testing.T, protocol, cookies string) (*http.Response, *bufio.Reader, net.Conn) {
		t.Helper()
		conn := f.dial(t)
		fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nAccept: */*\r\nConnection: Upgrade\r\nUpgrade: %s\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", f.address, cookies, protocol)
		reader := bufio.NewReader(conn)
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer, reader, conn
	}

	answer, reader, conn := upgrade(t, "websocket", her.cookies(t, f.origin))
	if answer.StatusCode != 101 {
		t.Fatalf("WebSocket = %d, want 101", answer.StatusCode)
	}
	io.WriteString(conn, "over and over\n")
	whose, _ := reader.ReadString('\n')
	if back, err := reader.ReadString('\n'); err != nil || whose == "\n" || back != "over and over\n" {
		t.Errorf("socket of %q gives back %q (%v), want over and over", whose, back, err)
	}

	hits := f.site.hits.Load()
	if answer, _, _ := upgrade(t, "websocket", "a=1"); answer.StatusCode != 401 || f.site.hits.Load() != hits {
		t.Errorf("WebSocket without a session = %d, site reached %t, want 401, not reached", answer.StatusCode, f.site.hits.Load() != hits)
	}
	for _, protocol := range []string{"h2c", "h2c, websocket", "h2c\r\nUpgrade: websocket", "websocket\r\nUpgrade: h2c"} {
		if answer, _, _ := upgrade(t, protocol, her.cookies(t, f.origin)); answer.StatusCode == 101 && answer.Header.Get("Upgrade") != "websocket" {
			t.Errorf("upgrade to %q = 101 to %q, want none", protocol, answer.Header.Get("Upgrade"))
		}
	}
}

// testEvents waits for events after each of which the site sends nothing.
func (f front) testEvents(t *testing.T, her *visitor) {
	conn := f.dial(t)
	fmt.Fprintf(conn, "GET /events HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nAccept: application/x-ndjson\r\nSec-Fetch-Mode: cors\r\n\r\n", f.address, her.cookies(t, f.origin))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	events := bufio.NewReader(answer.Body)
	for i := range 2 {
		if line, err := events.ReadString('\n'); err != nil || !strings.HasPrefix(line, "event for o") {
			t.Fatalf("event %d: %q (%v), want one for the visitor", i+1, line, err)
		}
		if i == 0 {
			f.site.next <- struct{}{}
		}
	}
}

func (f front) testSignOut(t *testing.T) {
	she := f.signIn(t, "/orders")
	forged := she.send(t, "POST", f.origin+"/_wx/logout", http.Header{"Origin": {"https://forged.example.com"}, "Sec-Fetch-Site": {"cross-site"}}, nil)
	if forged.StatusCode != 403 {
		t.Errorf("POST /_wx/logout from another origin = %d, want 403", forged.StatusCode)
	}
	f.reached(t, she.get(t, f.origin+"/orders", pageLoad))
	res := she.send(t, "POST", f.origin+"/_wx/logout", http.Header{"Origin": {f.origin}, "Sec-Fetch-Site": {"same-origin"}}, nil)
	if res.StatusCode != 303 {
		t.Errorf("POST /_wx/logout = %d, want 303", res.StatusCode)
	}
	if res := she.get(t, f.origin+"/orders", pageLoad); res.StatusCode != 302 {
		t.Errorf("GET /orders after the sign-out = %d, want 302", res.StatusCode)
	}
}

func (f front) testRenewal(t *testing.T) {
	she := f.signIn(t, "/orders")
	eventually(t, "the site's answer renews the session", func() bool {
		res := she.get(t, f.origin+"/orders", pageLoad)
		f.reached(t, res)
		cookies := res.Cookies()
		if len(cookies) == 0 {
			return false
		}
		if len(cookies) != 1 || cookies[0].Name != "wxgate" || !cookies[0].HttpOnly {
			t.Errorf("renewed by %q, want one cookie wxgate, HttpOnly", res.Header["Set-Cookie"])
		}
		if !strings.Contains(strings.Join(res.Header["Cache-Control"], ","), "private") {
			t.Errorf("a renewed session comes with Cache-Control %q, want private", res.Header["Cache-Control"])
		}
		return true
	})
	f.reached(t, she.get(t, f.origin+"/orders", pageLoad))
}

func (f front) testSiteAway(t *testing.T, her *visitor) {
	f.site.server.CloseClientConnections()
	f.site.server.Close()
	if res := her.get(t, f.origin+"/orders", pageLoad); res.StatusCode != 502 || len(res.Cookies()) > 0 {
		t.Errorf("GET /orders with the site away = %d, cookies %q, want the proxy's 502 and the session kept", res.StatusCode, res.Cookies())
	}
	if res := her.get(t, f.origin+"/_wx/me", script); res.StatusCode != 200 {
		t.Errorf("GET /_wx/me with the site away = %d, want 200", res.StatusCode)
	}
}

func (f front) testGatewayAway(t *testing.T) {
	she := f.signIn(t, "/orders")
	f.wxgate.stop()
	hits := f.site.hits.Load()
	for _, target := range []string{"/orders", "/static/a.css", "/_wx/me"} {
		if res := she.get(t, f.origin+target, pageLoad); res.StatusCode < 500 || f.site.hits.Load() != hits {
			t.Errorf("GET %s with wxgate away = %d, site reached %t, want 5xx, not reached", target, res.StatusCode, f.site.hits.Load() != hits)
		}
	}
}

// dial opens a connection on which a request can be written that Go would not.
func (f front) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// reached returns the request that the site answered to.
func (f front) reached(t *testing.T, res answer) arrived {
	t.Helper()
	var got arrived
	if err := json.Unmarshal(res.body, &got); res.StatusCode != 200 || res.Header.Get("X-Site") != "reached" || err != nil {
		t.Fatalf("answered %d %s (%v), want the site's answer", res.StatusCode, res.body, err)
	}
	return got
}
