package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

func ExampleNew() {
	app, err := url.Parse("http://127.0.0.1:3000")
	if err != nil {
		log.Fatal(err)
	}
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{{
		PublicURL:   "https://h5.example.com",
		Account:     &wechat.Client{AppID: "wx0123456789abcdef", AppSecret: "from your configuration"},
		CookieKeys:  session.Keys{[]byte("32 random bytes, made once for all")},
		Upstreams:   []gateway.Upstream{{Prefix: "/", URL: app}},
		PublicPaths: []string{"/static/"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	// http.ListenAndServe(":8080", g) serves it. Here is what it answers a
	// visitor of whom it knows nothing yet:
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest("GET", "/shop?item=1024", nil))
	address, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	fmt.Println(w.Code, address)
	// Output: 302 https://open.weixin.qq.com/connect/oauth2/authorize
}

func ExampleGateway_Wrap() {
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{{
		PublicURL:   "https://h5.example.com",
		Account:     &wechat.Client{AppID: "wx0123456789abcdef", AppSecret: "from your configuration"},
		CookieKeys:  session.Keys{[]byte("32 random bytes, made once for all")},
		PublicPaths: []string{"/hello"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	site := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if visitor, ok := gateway.IdentityFrom(r.Context()); ok {
			fmt.Fprintln(w, "hello", visitor.OpenID)
		} else {
			fmt.Fprintln(w, "hello, stranger")
		}
	}))
	for _, path := range []string{"/hello", "/orders"} {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest("POST", path, nil))
		fmt.Println(path, w.Code)
	}
	// Output:
	// /hello 200
	// /orders 401
}

// newWrapped starts a gateway around a handler in this process.
func newWrapped(t *testing.T, next http.HandlerFunc, change ...func(*testConfig)) *rig {
	t.Helper()
	g, r := newGateway(t, nil, change...)
	r.Server = httptest.NewUnstartedServer(g.Wrap(next))
	r.Server.Config.ErrorLog = log.New(io.Discard, "", 0) // panics are provoked
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func TestWrapGuards(t *testing.T) {
	t.Parallel()
	site := new(echo)
	var visitor gateway.Identity
	var known bool
	rig := newWrapped(t, func(w http.ResponseWriter, r *http.Request) {
		visitor, known = gateway.IdentityFrom(r.Context())
		site.ServeHTTP(w, r)
	}, func(c *testConfig) { c.PublicPaths, c.MaxBodyBytes = []string{"/public/"}, 10 })

	full := signedIn(t, func(s *session.Session) {
		s.UnionID, s.Scope, s.Nickname, s.Avatar = "oUNION", "snsapi_userinfo", "小明", "https://thirdwx.qlogo.cn/a"
	})
	e := echoOf(t, rig.ask(t, "POST /a|b?%zz HTTP/1.1", "Host: "+rigHost, "Cookie: a=1; "+full,
		"X_WX_OpenID: forged", "X-WX-Subscribed: true", "X-Forwarded-For: 203.0.113.9", "Connection: X-WX-OpenID", "Upgrade: h2c",
		"Trailer: X-WX-OpenID", "Transfer-Encoding: chunked", "", "4", "body", "0", "X-WX-OpenID: forged"))
	want := gateway.Identity{OpenID: rigOpenID, AppID: rigAppID, UnionID: "oUNION", Scope: "snsapi_userinfo", Nickname: "小明", Avatar: "https://thirdwx.qlogo.cn/a"}
	if diff := cmp.Diff(want, visitor); diff != "" || !known {
		t.Errorf("IdentityFrom (-want +got):\n%s", diff)
	}
	headers := append([]string{"X-Wx-Avatar: https://thirdwx.qlogo.cn/a", "X-Wx-Nickname: %E5%B0%8F%E6%98%8E", "X-Wx-Unionid: oUNION"}, identityOfRig...)
	slices.Sort(headers)
	headers[slices.Index(headers, "X-Wx-Scope: snsapi_base")] = "X-Wx-Scope: snsapi_userinfo"
	if diff := cmp.Diff(headers, hasPrefixFold(e.Header, "x-wx-")); diff != "" {
		t.Errorf("identity headers (-want +got):\n%s", diff)
	}
	if got := e.Header["Cookie"]; !slices.Equal(got, []string{"a=1"}) {
		t.Errorf("cookies = %q, want the site's alone", got)
	}
	if got := e.Header.Get("X-Forwarded-For"); got != "127.0.0.1" {
		t.Errorf("X-Forwarded-For = %q, want the peer", got)
	}
	if e.Header.Get("Upgrade") != "" || len(e.Trailer) > 0 || string(e.Target) != "/a|b?%zz" || e.Body != "body" {
		t.Errorf("next saw Upgrade %q, trailers %v, %q with %q", e.Header.Get("Upgrade"), e.Trailer, e.Target, e.Body)
	}

	e = echoOf(t, rig.do(t, "GET", "/public/page", "X-WX-OpenID", "forged"))
	if got := hasPrefixFold(e.Header, "x-wx-"); known || got != nil {
		t.Errorf("public path: IdentityFrom says %t, headers %q; want nobody", known, got)
	}
	before := site.hits.Load()
	if a := rig.do(t, "GET", "/page", "X-WX-OpenID", "forged", "Sec-Fetch-Mode", "cors"); a.StatusCode != 401 {
		t.Errorf("no session: status %d, want 401", a.StatusCode)
	}
	if a := rig.send(t, rig.newRequest(t, "POST", "/", strings.NewReader("far too much"), "Cookie", full)); a.StatusCode != 413 {
		t.Errorf("body over the limit: status %d, want 413", a.StatusCode)
	}
	if a := rig.do(t, "GET", "/_wx/nothing", "Cookie", full); a.StatusCode != 404 {
		t.Errorf("own path: status %d, want 404", a.StatusCode)
	}
	if n := site.hits.Load() - before; n != 0 {
		t.Errorf("%d requests reached next that may not", n)
	}
	if _, ok := gateway.IdentityFrom(context.Background()); ok {
		t.Error("IdentityFrom knows a visitor of no gateway")
	}
}

// A handler must not change the request that it was given.
func TestWrapLeavesTheCallersRequest(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil)
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{"Cookie": {signedIn(t) + "; a=1"}, "X-Wx-Openid": {"forged"}, "Upgrade": {"h2c"}}
	before := r.Header.Clone()
	g.Wrap(new(echo)).ServeHTTP(httptest.NewRecorder(), r)
	if diff := cmp.Diff(before, r.Header); diff != "" {
		t.Errorf("the caller's header has changed (-before +after):\n%s", diff)
	}
}

// Whatever way next begins its answer, the session is renewed and the
// gateway's own cookies are the gateway's to set.
func TestWrapCompletesTheAnswer(t *testing.T) {
	t.Parallel()
	handlers := []struct {
		name    string
		renewed bool
		next    http.HandlerFunc
	}{
		{"nothing", true, func(http.ResponseWriter, *http.Request) {}},
		{"Write", true, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }},
		{"WriteHeader", true, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }},
		{"Flush", true, func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() }},
		{"ReadFrom", true, func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, io.LimitReader(zeros{}, 10)) }},
		{"preliminary answer", true, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusOK)
		}},
		{"for everybody", false, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "public, max-age=60")
			io.WriteString(w, "hello")
		}},
	}
	for _, h := range handlers {
		rig := newWrapped(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Set-Cookie"] = slices.Clone(siteCookies)
			h.next(w, r)
		})
		a := rig.do(t, "GET", "/", "Cookie", signedIn(t, renewedAgo(13*time.Hour)))
		got := a.Header["Set-Cookie"]
		if h.renewed {
			if a.sessionCookie() == "" || len(got) == 0 {
				t.Errorf("%s: Set-Cookie = %q, want the session renewed", h.name, got)
				continue
			}
			got = got[:len(got)-1]
		}
		if !slices.Equal(got, keptSiteCookies) {
			t.Errorf("%s: Set-Cookie = %q beside the session's, want %q", h.name, got, keptSiteCookies)
		}
	}
}

func TestWrapPassesTheWritersAbilities(t *testing.T) {
	t.Parallel()
	rig := newWrapped(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/flush":
			io.WriteString(w, "first")
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Errorf("Flush: %v", err)
			}
			<-r.Context().Done()
		case "/hijack":
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("Hijack: %v", err)
				return
			}
			defer conn.Close()
			io.WriteString(rw, "HTTP/1.1 299 Mine\r\nConnection: close\r\n\r\nhello")
			rw.Flush()
		case "/file":
			if _, ok := w.(io.ReaderFrom); !ok {
				t.Error("the writer is no io.ReaderFrom")
			}
			n, err := io.Copy(w, io.LimitReader(zeros{}, 100_000))
			if n != 100_000 || err != nil {
				t.Errorf("io.Copy = %d, %v; want 100000", n, err)
			}
		case "/deadline":
			if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Errorf("SetWriteDeadline: %v", err)
			}
		case "/websocket":
			greeter(t).ServeHTTP(w, r)
		}
	})
	cookie := signedIn(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	res, err := rig.Client().Transport.RoundTrip(rig.newRequest(t, "GET", "/flush", nil, "Cookie", cookie).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != "first" {
		t.Errorf("read %q, %v before next has returned, want %q", got, err, "first")
	}
	cancel()
	res.Body.Close()
	rig.lines.next(t)

	if a := rig.do(t, "GET", "/hijack", "Cookie", cookie); a.StatusCode != 299 || a.body != "hello" {
		t.Errorf("hijacked: %d %q, want next's own answer", a.StatusCode, a.body)
	}
	rig.lines.next(t)
	if a := rig.do(t, "GET", "/file", "Cookie", cookie); len(a.body) != 100_000 {
		t.Errorf("file: %d bytes, want 100000", len(a.body))
	}
	if line := rig.lines.next(t); line["status"] != 200.0 || line["bytes"] != 100_000.0 {
		t.Errorf("access line %v, want status 200 and 100000 bytes", line)
	}
	rig.do(t, "GET", "/deadline", "Cookie", cookie)
	rig.lines.next(t)

	conn, handshake, err := websocket.Dial(t.Context(), rig.URL+"/websocket", &websocket.DialOptions{
		HTTPHeader: http.Header{"Cookie": {signedIn(t, renewedAgo(13*time.Hour))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if (&answer{Response: handshake}).sessionCookie() == "" {
		t.Error("the handshake's answer renews no session")
	}
	conn.Write(t.Context(), websocket.MessageText, []byte("hello"))
	if _, message, err := conn.Read(t.Context()); string(message) != rigOpenID+" hello" {
		t.Errorf("WebSocket: read %q, %v; want the openid and hello", message, err)
	}
	conn.CloseNow()
	if line := rig.lines.next(t); line["status"] != 101.0 {
		t.Errorf("access line %v, want status 101", line)
	}
}

func TestWrapLogsWhoLeft(t *testing.T) {
	t.Parallel()
	arrived := make(chan bool)
	rig := newWrapped(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	conn := rig.dial(t)
	conn.say(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "")
	<-arrived
	conn.Close()
	if line := rig.lines.next(t); line["status"] != 499.0 {
		t.Errorf("access line %v, want status 499", line)
	}
}

func TestWrapLetsPanicsThrough(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"abort": http.ErrAbortHandler, "bug": "a bug"} {
		rig := newWrapped(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/late" {
				io.WriteString(w, "begun")
				http.NewResponseController(w).Flush()
			}
			panic(value)
		})
		for path, status := range map[string]float64{"/": 500, "/late": 200} {
			res, err := rig.Client().Transport.RoundTrip(rig.newRequest(t, "POST", path, nil, "Cookie", signedIn(t)))
			if err == nil {
				_, err = io.ReadAll(res.Body)
				res.Body.Close()
			}
			if err == nil {
				t.Errorf("%s: %s: the visitor sees a whole answer, want a broken one", name, path)
			}
			line := rig.lines.next(t)
			if line["status"] != status || line["outcome"] != map[float64]string{500: "error", 200: "proxied"}[status] {
				t.Errorf("%s: %s: access line %v, want status %v", name, path, line, status)
			}
		}
	}
}
