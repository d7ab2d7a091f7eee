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

// testFront tests wxgate's promises at a proxy with the shipped configuration.
func testFront(t *testing.T, run runProxy, h habits) {
	wxgate := buildGateway(t)
	start := func(changes ...string) front {
		f := newFront(t, wxgate, run, changes...)
		f.habits = h
		return f
	}
	f := start()
	v := f.signIn(t, "/orders?from=menu")

	t.Run("login", func(t *testing.T) { f.testLogin(t, v) })
	t.Run("without a session", f.testWithoutSession)
	t.Run("own endpoints", func(t *testing.T) { f.testOwnEndpoints(t, v) })
	t.Run("identity cannot be claimed", func(t *testing.T) { f.testIdentityClaims(t, v) })
	t.Run("another request cannot be claimed", func(t *testing.T) { f.testRequestClaims(t, v) })
	t.Run("path tricks", f.testPathTricks)
	t.Run("same bytes", func(t *testing.T) { f.testSameBytes(t, v) })
	t.Run("upload", func(t *testing.T) { f.testUpload(t, v) })
	t.Run("WebSocket", func(t *testing.T) { f.testWebSocket(t, v) })
	t.Run("event stream", func(t *testing.T) { f.testEvents(t, v) })
	t.Run("sign-out", f.testSignOut)
	t.Run("renewal", func(t *testing.T) { start("WXGATE_SESSION_TTL=4s").testRenewal(t) })
	t.Run("TLS before the proxy", func(t *testing.T) { testBehindTLS(t, wxgate, run) })
	// The last tests stop the servers.
	t.Run("site stopped", func(t *testing.T) { f.testSiteStopped(t, v) })
	t.Run("wxgate stopped", func(t *testing.T) { start().testGatewayStopped(t) })
}

func (f front) testLogin(t *testing.T, v *visitor) {
	got := f.reached(t, v.get(t, f.origin+"/orders?from=menu", pageLoad))
	if got.Target != "/orders?from=menu" {
		t.Errorf("site was asked for %s, want /orders?from=menu", got.Target)
	}
	for name, want := range map[string]string{"X-Wx-Source": "wx_client", "X-Wx-Scope": "snsapi_base"} {
		if have := got.Header.Get(name); have != want {
			t.Errorf("site got %s %q, want %q", name, have, want)
		}
	}
	for _, name := range []string{"X-Wx-Openid", "X-Wx-Appid", "X-Forwarded-For", "X-Request-Id"} {
		if name == "X-Request-Id" && f.habits.noID {
			continue
		}
		if values := got.Header[name]; len(values) != 1 || values[0] == "" {
			t.Errorf("site got %s %q, want one value", name, values)
		}
	}
	for _, name := range []string{"X-Wx-Nickname", "X-Wx-Assertion", "X-Wx-Snapshot-User"} {
		if values, ok := got.Header[name]; ok {
			t.Errorf("site got %s %q, want none: the value is unknown", name, values)
		}
	}
	me := v.get(t, f.origin+"/_wx/me", script)
	var identity struct{ OpenID string }
	if err := json.Unmarshal(me.body, &identity); err != nil || identity.OpenID != got.Header.Get("X-Wx-Openid") {
		t.Errorf("/_wx/me has openid %q (%v), the site got %q", identity.OpenID, err, got.Header.Get("X-Wx-Openid"))
	}
	// Cookies and the address of a login can exceed the buffers of some proxies.
	f.reached(t, v.get(t, f.origin+"/orders", http.Header{"Cookie": {"filler=" + strings.Repeat("wxgate", 2000)}}))
	f.signIn(t, "/orders?q="+strings.Repeat("wxgate", 300))
	if got := f.reached(t, v.get(t, f.origin+"/static/a.css", script)); got.Header.Get("X-Wx-Openid") == "" {
		t.Error("the site got no openid on a public path from a signed-in visitor")
	}
}

func (f front) testWithoutSession(t *testing.T) {
	nobody := newVisitor(t)
	got := f.reached(t, nobody.get(t, f.origin+"/static/a.css", pageLoad))
	if got.Header.Get("X-Wx-Openid") != "" || got.Header["X-Wx-Source"] != nil {
		t.Errorf("site got openid %q, source %q on a public path without a session",
			got.Header.Get("X-Wx-Openid"), got.Header["X-Wx-Source"])
	}

	form := pageLoad.Clone()
	form.Set("Referer", f.origin+"/cart")
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
		{"two slashes", "GET", "//shop/7?a=1", pageLoad, 302},
		{"form", "POST", "/orders", form, 401},
		{"POST", "POST", "/orders", script, 401},
		{"DELETE", "DELETE", "/orders", script, 401},
		{"public for GET alone", "POST", "/news/7", script, 401},
		{"OPTIONS", "OPTIONS", "/orders", script, 401},
		{"API path", "GET", "/api/orders", pageLoad, 401},
		{"POST to an API path", "POST", "/api/orders", script, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reached := f.site.watch()
			res := nobody.send(t, tt.method, f.origin+tt.target, tt.kind, nil)
			if res.StatusCode != tt.status || reached() {
				t.Errorf("%s %s = %d, site reached %t, want %d, not reached",
					tt.method, tt.target, res.StatusCode, reached(), tt.status)
			}
			switch {
			case tt.status == 302:
				location, err := url.Parse(res.Header.Get("Location"))
				want := f.habits.rewritten(tt.target)
				if strings.HasPrefix(want, "//") {
					want = f.origin + want
				}
				if err != nil || location.Query().Get("return_to") != want ||
					!strings.HasPrefix(location.String(), f.origin+"/_wx/login?") {
					t.Errorf("%s %s leads to %q (%v), want the login with return_to %s",
						tt.method, tt.target, location, err, want)
				}
			case tt.kind.Get("Referer") != "":
				button := `<a class="button" href="` + f.origin + "/_wx/login"
				if isJSON(res.Header) || !strings.Contains(string(res.body), button) {
					t.Errorf("%s %s answers %q, want a page with a button to the login", tt.method, tt.target, res.body)
				}
			case !isJSON(res.Header):
				t.Errorf("%s %s answers %q, want JSON", tt.method, tt.target, res.Header.Get("Content-Type"))
			default:
				var refusal struct {
					Error    string
					LoginURL string `json:"login_url"`
				}
				err := json.Unmarshal(res.body, &refusal)
				login := strings.HasPrefix(refusal.LoginURL, f.origin+"/_wx/login")
				if err != nil || refusal.Error != "unauthorized" || !login {
					t.Errorf("%s %s = %s (%v), want unauthorized and a login_url", tt.method, tt.target, res.body, err)
				}
			}
		})
	}
}

func (f front) testOwnEndpoints(t *testing.T, v *visitor) {
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
		{v, "/_wx/unknown", 404},
		{nobody, "/MP_verify_abc123.txt", 200},
		{nobody, "/MP_verify_otv.txt", 404},
		// The response of the auth endpoint is for the proxy only.
		{v, "/_wx/auth", 404},
		{v, "/_wx/auth/orders", 404},
		{v, "/_wx/%61uth", 404},
		{v, "/_wx//auth", 404},
	}
	for _, tt := range tests {
		reached := f.site.watch()
		res := tt.who.get(t, f.origin+tt.target, script)
		if res.StatusCode != tt.status || reached() {
			t.Errorf("GET %s = %d, site reached %t, want %d, not reached",
				tt.target, res.StatusCode, reached(), tt.status)
		}
		for _, name := range identityHeaders {
			if value := res.Header.Get(name); value != "" {
				t.Errorf("GET %s sends the visitor %s %q", tt.target, name, value)
			}
		}
	}
}

func (f front) testSameBytes(t *testing.T, v *visitor) {
	for _, target := range []string{
		"/orders?a=1&b=%20+%E4%BD%A0&&c", "/orders%2F1//x;y=1?q=/../", "/%E4%BD%A0/a%20b", "/a.b/.../~c",
		"/a+b,c@d:e!$&'()*=", "/q?", "/%7Euser/%41",
		"/orders/_wx/me", "/orders/MP_verify_abc123.txt",
	} {
		conn := f.dial(t)
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: close\r\n\r\n",
			target, f.address, v.cookies(t, f.origin))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.reached(t, readAnswer(t, answer)); got.Target != f.habits.rewritten(target) {
			t.Errorf("site was asked for %s, want %s", got.Target, f.habits.rewritten(target))
		}
	}
}

func (f front) testUpload(t *testing.T, v *visitor) {
	body := bytes.Repeat([]byte("wxgate\n\x00"), 1<<17) // 1 MiB
	sum := sha256.Sum256(body)
	kind := http.Header{"Content-Type": {"application/octet-stream"}, "Sec-Fetch-Mode": {"cors"}}
	for name, reader := range map[string]io.Reader{
		"with a length": bytes.NewReader(body),
		"chunked":       io.MultiReader(bytes.NewReader(body)),
	} {
		got := f.reached(t, v.send(t, "POST", f.origin+"/upload", kind, reader))
		if got.Method != "POST" || got.Body != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: site got %s with a body of SHA-256 %s, want POST and %x", name, got.Method, got.Body, sum)
		}
	}
	reached := f.site.watch()
	res := newVisitor(t).send(t, "POST", f.origin+"/upload", kind, bytes.NewReader(body))
	if res.StatusCode != 401 || reached() || !isJSON(res.Header) {
		t.Errorf("upload without a session = %d %s, site reached %t, want 401 JSON, not reached",
			res.StatusCode, res.Header.Get("Content-Type"), reached())
	}
}

func (f front) testWebSocket(t *testing.T, v *visitor) {
	upgrade := func(t *testing.T, protocol, cookies string) (*http.Response, *bufio.Reader, net.Conn) {
		t.Helper()
		conn := f.dial(t)
		fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nAccept: */*\r\n"+
			"Connection: Upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", f.address, cookies, protocol)
		reader := bufio.NewReader(conn)
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		return answer, reader, conn
	}

	answer, reader, conn := upgrade(t, "websocket", v.cookies(t, f.origin))
	if answer.StatusCode != 101 {
		t.Fatalf("WebSocket = %d, want 101", answer.StatusCode)
	}
	io.WriteString(conn, "over and over\n")
	whose, _ := reader.ReadString('\n')
	if back, err := reader.ReadString('\n'); err != nil || whose == "\n" || back != "over and over\n" {
		t.Errorf("socket of %q gives back %q (%v), want over and over", whose, back, err)
	}

	reached := f.site.watch()
	if answer, _, _ := upgrade(t, "websocket", "a=1"); answer.StatusCode != 401 || reached() {
		t.Errorf("WebSocket without a session = %d, site reached %t, want 401, not reached",
			answer.StatusCode, reached())
	}
	for _, protocol := range []string{
		"h2c", "h2c, websocket", "h2c\r\nUpgrade: websocket", "websocket\r\nUpgrade: h2c",
	} {
		answer, _, _ := upgrade(t, protocol, v.cookies(t, f.origin))
		if got := answer.Header.Get("Upgrade"); answer.StatusCode == 101 && got != "websocket" {
			t.Errorf("upgrade to %q = 101 to %q, want none", protocol, got)
		}
	}
}

// testEvents waits for two events, with a pause of the site after each.
func (f front) testEvents(t *testing.T, v *visitor) {
	conn := f.dial(t)
	fmt.Fprintf(conn, "GET /events HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nAccept: application/x-ndjson\r\n"+
		"Sec-Fetch-Mode: cors\r\n\r\n", f.address, v.cookies(t, f.origin))
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
	v := f.signIn(t, "/orders")
	forged := http.Header{"Origin": {"https://forged.example.com"}, "Sec-Fetch-Site": {"cross-site"}}
	if res := v.send(t, "POST", f.origin+"/_wx/logout", forged, nil); res.StatusCode != 403 {
		t.Errorf("POST /_wx/logout from another origin = %d, want 403", res.StatusCode)
	}
	f.reached(t, v.get(t, f.origin+"/orders", pageLoad))
	own := http.Header{"Origin": {f.origin}, "Sec-Fetch-Site": {"same-origin"}}
	if res := v.send(t, "POST", f.origin+"/_wx/logout", own, nil); res.StatusCode != 303 {
		t.Errorf("POST /_wx/logout = %d, want 303", res.StatusCode)
	}
	if res := v.get(t, f.origin+"/orders", pageLoad); res.StatusCode != 302 {
		t.Errorf("GET /orders after the sign-out = %d, want 302", res.StatusCode)
	}
}

func (f front) testRenewal(t *testing.T) {
	v := f.signIn(t, "/orders")
	eventually(t, "the site's answer renews the session", func() bool {
		res := v.get(t, f.origin+"/orders", pageLoad)
		f.reached(t, res)
		cookies := res.Cookies()
		if len(cookies) == 0 {
			return false
		}
		if len(cookies) != 1 || cookies[0].Name != "wxgate" || !cookies[0].HttpOnly {
			t.Errorf("renewed by %q, want one cookie wxgate, HttpOnly", res.Header["Set-Cookie"])
		}
		private := strings.Contains(strings.Join(res.Header["Cache-Control"], ","), "private")
		if private == f.habits.noPrivate {
			t.Errorf("a renewed session comes with Cache-Control %q, want private %t",
				res.Header["Cache-Control"], !f.habits.noPrivate)
		}
		return true
	})
	f.reached(t, v.get(t, f.origin+"/orders", pageLoad))
}

func (f front) testSiteStopped(t *testing.T, v *visitor) {
	f.site.server.CloseClientConnections()
	f.site.server.Close()
	if res := v.get(t, f.origin+"/orders", pageLoad); res.StatusCode != 502 || len(res.Cookies()) > 0 {
		t.Errorf("GET /orders with the site stopped = %d, cookies %q, want the proxy's 502 and the session kept",
			res.StatusCode, res.Cookies())
	}
	if res := v.get(t, f.origin+"/_wx/me", script); res.StatusCode != 200 {
		t.Errorf("GET /_wx/me with the site stopped = %d, want 200", res.StatusCode)
	}
}

func (f front) testGatewayStopped(t *testing.T) {
	v := f.signIn(t, "/orders")
	f.wxgate.stop()
	reached := f.site.watch()
	for _, target := range []string{"/orders", "/static/a.css", "/_wx/me"} {
		if res := v.get(t, f.origin+target, pageLoad); res.StatusCode < 500 || reached() {
			t.Errorf("GET %s with wxgate stopped = %d, site reached %t, want 5xx, not reached",
				target, res.StatusCode, reached())
		}
	}
}

// dial opens a connection, for requests that an http.Client would not send.
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

// reached returns the request that the site has answered.
func (f front) reached(t *testing.T, res answer) arrived {
	t.Helper()
	var got arrived
	err := json.Unmarshal(res.body, &got)
	if err != nil || res.StatusCode != 200 || res.Header.Get("X-Site") != "reached" {
		t.Fatalf("answered %d %s (%v), want the site's answer", res.StatusCode, res.body, err)
	}
	return got
}
