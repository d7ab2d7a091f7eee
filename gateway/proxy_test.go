package gateway_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/gateway"
)

func TestPathAndQueryByteForByte(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	targets := []string{
		"/", "/a%2Fb", "/a%2fb", "/a|b", "/中文/页", "/%E4%B8%AD", "//x", "//x//y", "/x//y", "/a/../b", "/./a", "/a/.", "/%41", "/%2e%2e/x",
		"/a;b=1/c", "/a\"<>^`{}b", "/a\\b", "/a%00b", "/a:b@c!$&'()*+,=", "/%C3%28", "/\xff", "/a#b", "/*",
		"/?a=1;b=2", "/?%zz", "/?", "/a?b?c", "/?a=中文", "/?a=%E4%b8%ad&&=&a", "/?a=b+c%20d", "/?url=https://h5.example.com/?x=1#/r",
		"//x?", "//x?%zz;", "/a|b?c|d",
		"/" + strings.Repeat("long", 1000),
	}
	for _, target := range targets {
		e := echoOf(t, rig.ask(t, "GET "+target+" HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t)))
		if e.Target != target {
			t.Errorf("the site was asked for %q, want %q", e.Target, target)
		}
	}
}

func TestRequestTargetForms(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site)
	tests := []struct {
		line   string
		status int
		target string // what the site sees, where it is asked
	}{
		{"GET http://h5.example.com/a%2Fb?c=1;d HTTP/1.1", 200, "/a%2Fb?c=1;d"},
		{"GET http://other.example/a HTTP/1.1", 200, "/a"},
		{"GET * HTTP/1.1", 400, ""},
		{"GET a HTTP/1.1", 400, ""},
		{"CONNECT h5.example.com:443 HTTP/1.1", 405, ""},
		{"CONNECT /a HTTP/1.1", 405, ""},
		{"TRACE /a HTTP/1.1", 405, ""},
		{"BREW /a HTTP/1.1", 200, "/a"},
		{"PROPFIND /a HTTP/1.1", 200, "/a"},
	}
	for _, test := range tests {
		before := site.hits.Load()
		a := rig.ask(t, test.line, "Host: "+rigHost, "Cookie: "+signedIn(t))
		if a.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.line, a.StatusCode, test.status)
			continue
		}
		if test.target == "" {
			if site.hits.Load() != before {
				t.Errorf("%s: reached the site", test.line)
			}
		} else if e := echoOf(t, a); e.Target != test.target || e.Method != strings.Fields(test.line)[0] {
			t.Errorf("%s: the site saw %s %q, want the same method and %q", test.line, e.Method, e.Target, test.target)
		}
	}
}

func TestMethodsAndBodies(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"} {
		for _, body := range []string{"", "a=1&b=中"} {
			e := echoOf(t, rig.send(t, rig.newRequest(t, method, "/form", strings.NewReader(body), "Cookie", signedIn(t))))
			if e.Method != method || e.Body != body {
				t.Errorf("the site saw %s with %q, want %s with %q", e.Method, e.Body, method, body)
			}
		}
	}
	if a := rig.do(t, "HEAD", "/form", "Cookie", signedIn(t)); a.StatusCode != 200 || a.body != "" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD = %d %q %v, want 200, no body, the site's header", a.StatusCode, a.body, a.Header)
	}
}

func TestSeveralUpstreams(t *testing.T) {
	t.Parallel()
	upstream := func(prefix, name string) gateway.Upstream {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name+" "+r.RequestURI) }))
		t.Cleanup(s.Close)
		return gateway.Upstream{Prefix: prefix, URL: mustURL(t, s.URL)}
	}
	all := newRig(t, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{upstream("/shop", "shop"), upstream("/", "web"), upstream("/api/", "api"), upstream("/api/v2/", "v2")}
	})
	some := newRig(t, nil, func(c *testConfig) { c.Upstreams = []gateway.Upstream{upstream("/api/", "api")} })
	tests := []struct {
		rig          *rig
		target, want string
	}{
		{all, "/", "web /"}, {all, "/api", "web /api"}, {all, "/api/", "api /api/"}, {all, "/api/a", "api /api/a"},
		{all, "/apix", "web /apix"}, {all, "/api/v2", "api /api/v2"}, {all, "/api/v2/a?b", "v2 /api/v2/a?b"},
		{all, "/shop", "shop /shop"}, {all, "/shop/1", "shop /shop/1"}, {all, "/shopping", "web /shopping"}, {all, "//api/", "web //api/"},
		{some, "/api/a", "api /api/a"},
	}
	for _, test := range tests {
		if a := test.rig.do(t, "GET", test.target, "Cookie", signedIn(t)); a.body != test.want {
			t.Errorf("%s was answered by %q, want %q", test.target, a.body, test.want)
		}
	}
	if a := some.do(t, "GET", "/other", "Cookie", signedIn(t)); a.StatusCode != 404 {
		t.Errorf("a path that no upstream serves: status %d, want 404", a.StatusCode)
	}
}

// h2c makes a server speak HTTP/2 in the clear, and HTTP/1 beside it where
// http1 is set.
func h2c(http1 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	p.SetHTTP1(http1)
	return p
}

func TestKindsOfUpstream(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(new(echo))
	t.Cleanup(secure.Close)
	secure2 := httptest.NewUnstartedServer(new(echo))
	secure2.EnableHTTP2 = true
	secure2.StartTLS()
	t.Cleanup(secure2.Close)
	clear2 := httptest.NewUnstartedServer(new(echo))
	clear2.Config.Protocols = h2c(false)
	clear2.Start()
	t.Cleanup(clear2.Close)
	socket := filepath.Join(t.TempDir(), "site.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &httptest.Server{Listener: listener, Config: &http.Server{Handler: new(echo)}}
	local.Start()
	t.Cleanup(local.Close)

	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	tests := []struct {
		name, url, proto string
		status           int
		roots            *x509.CertPool
	}{
		{"https", secure.URL, "HTTP/1.1", 200, roots},
		{"https, HTTP/2", secure2.URL, "HTTP/2.0", 200, roots},
		{"https, unknown CA", secure.URL, "", 502, x509.NewCertPool()},
		{"h2c", strings.Replace(clear2.URL, "http:", "h2c:", 1), "HTTP/2.0", 200, nil},
		{"unix", "unix://" + socket, "HTTP/1.1", 200, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rig := newRig(t, nil, func(c *testConfig) {
				c.Upstreams, c.UpstreamCAs = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, test.url)}}, test.roots
				c.MaxBodyBytes = 1 << 10
			})
			for _, target := range []string{"/a|b%2F?%zz;a", "//x"} {
				q := rig.newRequest(t, "POST", "/", strings.NewReader("hello"), "Cookie", signedIn(t))
				q.URL.Opaque, _, _ = strings.Cut(target, "?")
				_, q.URL.RawQuery, _ = strings.Cut(target, "?")
				if strings.HasPrefix(target, "//") {
					q.URL.Opaque, q.URL.Path = "", target
				}
				a := rig.send(t, q)
				if a.StatusCode != test.status {
					t.Fatalf("status %d, want %d", a.StatusCode, test.status)
				}
				if test.status != 200 {
					return
				}
				e := echoOf(t, a)
				if e.Proto != test.proto || e.Target != target || e.Host != rigHost || e.Body != "hello" || e.Header.Get("X-WX-OpenID") != rigOpenID {
					t.Errorf("the site saw %s %q for %q by %q with %q, want %s %q …", e.Proto, e.Target, e.Host, e.Header["X-Wx-Openid"], e.Body, test.proto, target)
				}
			}
			endless := struct{ io.Reader }{io.LimitReader(zeros{}, 1<<20)} // sent in chunks
			if a := rig.send(t, rig.newRequest(t, "POST", "/", endless, "Cookie", signedIn(t))); a.StatusCode != 413 {
				t.Errorf("body over the limit: status %d, want 413", a.StatusCode)
			}
		})
	}
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestInvalidUpstreams(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ prefix, url string }{{"/", "ftp://site"}, {"", "http://site"}, {"api/", "http://site"}} {
		_, err := newOneSite(gateway.Site{
			PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys(),
			Upstreams: []gateway.Upstream{{Prefix: test.prefix, URL: mustURL(t, test.url)}},
		})
		if err == nil {
			t.Errorf("New with upstream %q=%s: no error", test.prefix, test.url)
		}
	}
}

func TestHTTP2In(t *testing.T) {
	t.Parallel()
	site := new(echo)
	g, _ := newGateway(t, site)
	secure := httptest.NewUnstartedServer(g)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	clear2 := httptest.NewUnstartedServer(g)
	clear2.Config.Protocols = h2c(true)
	clear2.Start()
	t.Cleanup(clear2.Close)
	transport := &http.Transport{Protocols: h2c(false)}
	t.Cleanup(transport.CloseIdleConnections)
	for _, test := range []struct {
		name      string
		server    *httptest.Server
		transport http.RoundTripper
	}{{"TLS", secure, secure.Client().Transport}, {"h2c prior knowledge", clear2, transport}} {
		ask := func(path string) *answer {
			q, err := http.NewRequestWithContext(t.Context(), "POST", test.server.URL, strings.NewReader("hello"))
			if err != nil {
				t.Fatal(err)
			}
			q.URL.Opaque, q.Host = path, rigHost
			q.Header.Set("Cookie", signedIn(t))
			q.Header.Set("x-wx-openid", "forged")
			res, err := test.transport.RoundTrip(q)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			return readAnswer(t, res)
		}
		a := ask("/a|b%2F")
		e := echoOf(t, a)
		if a.ProtoMajor != 2 || e.Target != "/a|b%2F" || e.Host != rigHost || e.Body != "hello" || e.Header.Get("X-WX-OpenID") != rigOpenID {
			t.Errorf("%s: %s; the site saw %q for %q by %q with %q", test.name, a.Proto, e.Target, e.Host, e.Header["X-Wx-Openid"], e.Body)
		}
		// On HTTP/1 the request line would end at the blank.
		before := site.hits.Load()
		a = ask("/a HTTP/1.0 ")
		if f := refusalOf(t, a); a.StatusCode != 400 || f.Error != "invalid_request" || site.hits.Load() != before {
			t.Errorf("%s: a path with a blank: %d %s, %d requests to the site; want the gateway's own 400 and none", test.name, a.StatusCode, f.Error, site.hits.Load()-before)
		}
	}
}

// greeter is a site with a WebSocket that sends back what it gets.
func greeter(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer conn.CloseNow()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil {
				return
			}
			conn.Write(r.Context(), kind, append([]byte(r.Header.Get("X-WX-OpenID")+" "), message...))
		}
	})
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(greeter(t))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	sites := map[string]*rig{
		"http": newRig(t, greeter(t)),
		"https": newRig(t, nil, func(c *testConfig) {
			c.Upstreams, c.UpstreamCAs = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, secure.URL)}}, roots
		}),
	}
	for name, rig := range sites {
		header := http.Header{"Cookie": {signedIn(t, renewedAgo(13*time.Hour))}}
		conn, res, err := websocket.Dial(t.Context(), rig.URL, &websocket.DialOptions{HTTPHeader: header})
		if err != nil {
			t.Fatalf("%s: dial: %v", name, err)
		}
		if a := (&answer{Response: res}); a.sessionCookie() == "" {
			t.Errorf("%s: the handshake's answer renews no session", name)
		}
		for _, message := range []string{"hello", strings.Repeat("x", 20_000)} {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := conn.Read(t.Context()); err != nil || string(got) != rigOpenID+" "+message {
				t.Errorf("%s: read %d bytes, %v; want the visitor's openid and %d bytes", name, len(got), err, len(message))
			}
		}
		conn.Close(websocket.StatusNormalClosure, "")
		if line := rig.lines.next(t); line["status"] != 101.0 || line["outcome"] != "proxied" {
			t.Errorf("%s: access line %v, want status 101, outcome proxied", name, line)
		}
		_, res, err = websocket.Dial(t.Context(), rig.URL, nil)
		if err == nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: handshake without a session: %v, want 401", name, err)
		}
	}
}

func TestOtherUpgradesAreRemoved(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	tests := []struct {
		method  string
		upgrade []string
	}{
		{"GET", []string{"Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", "Connection: Upgrade, HTTP2-Settings"}},
		{"GET", []string{"Upgrade: H2C", "Connection: upgrade"}},
		{"GET", []string{"Upgrade: websocket, h2c", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: h2c", "Upgrade: websocket", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: websocket/13", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: TLS/1.2", "Connection: Upgrade"}},
		{"GET", []string{"Upgrade: websocket", "Connection: close"}},
		{"POST", []string{"Upgrade: websocket", "Connection: Upgrade"}},
	}
	for _, test := range tests {
		lines := append([]string{test.method + " / HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t)}, test.upgrade...)
		e := echoOf(t, rig.ask(t, lines...))
		for _, name := range []string{"Upgrade", "Connection", "Http2-Settings"} {
			if got := e.Header[name]; len(got) > 0 && !(name == "Http2-Settings" && len(test.upgrade) == 2) {
				t.Errorf("%s %q: the site saw %s: %q", test.method, test.upgrade, name, got)
			}
		}
	}
}

func TestUnrequestedUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Connection: Upgrade\r\nUpgrade: h2c\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n", ""} {
		rig := newRig(t, switching(func(conn io.ReadWriter) {
			io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n"+header+"\r\n")
			io.Copy(io.Discard, conn)
		}))
		a := rig.ask(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t))
		if a.StatusCode != 502 {
			t.Errorf("upstream answers 101 with %q: status %d, want 502", header, a.StatusCode)
		}
	}
}

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	var read atomic.Bool
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			http.Error(w, "no", http.StatusExpectationFailed)
			return
		}
		body, _ := io.ReadAll(r.Body)
		read.Store(true)
		w.Write(body)
	}))
	head := []string{"Host: " + rigHost, "Cookie: " + signedIn(t), "Content-Length: 5", "Expect: 100-continue", ""}

	conn := rig.dial(t)
	conn.say(t, append([]string{"POST /take HTTP/1.1"}, head...)...)
	if res := conn.hear(t, "POST"); res.StatusCode != http.StatusContinue {
		t.Fatalf("first answer = %d, want 100", res.StatusCode)
	}
	if read.Load() {
		t.Error("the site has read a body that was not sent yet")
	}
	io.WriteString(conn, "hello")
	if a := readAnswer(t, conn.hear(t, "POST")); a.StatusCode != 200 || a.body != "hello" {
		t.Errorf("answer = %d %q, want 200 and the body", a.StatusCode, a.body)
	}

	conn = rig.dial(t)
	conn.say(t, append([]string{"POST /refuse HTTP/1.1"}, head...)...)
	if a := readAnswer(t, conn.hear(t, "POST")); a.StatusCode != http.StatusExpectationFailed {
		t.Errorf("refused before the body: status %d, want 417 and no 100 before it", a.StatusCode)
	}
}

// The gateway's server tells the visitor once that it reads her body; what the
// upstream tells the gateway would come on top of it.
func TestContinueIsSentOnce(t *testing.T) {
	t.Parallel()
	rig := newRig(t, switching(func(conn io.ReadWriter) {
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}))
	if a := rig.ask(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t)); a.StatusCode != 200 {
		t.Errorf("first answer = %d, want 200", a.StatusCode)
	}
}

func TestResponseTrailers(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Announced")
		io.WriteString(w, "body")
		w.Header().Set("Announced", "1")
		w.Header().Set(http.TrailerPrefix+"Unannounced", "2")
	}))
	a := rig.do(t, "GET", "/", "Cookie", signedIn(t))
	if a.body != "body" || a.Trailer.Get("Announced") != "1" || a.Trailer.Get("Unannounced") != "2" {
		t.Errorf("answer %q with trailers %v, want both", a.body, a.Trailer)
	}
}

func TestEventsAreFlushedAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		if r.URL.Path == "/sized" {
			w.Header().Set("Content-Length", "20")
		}
		w.WriteHeader(200)
		http.NewResponseController(w).Flush()
		for event := range next {
			io.WriteString(w, event)
			http.NewResponseController(w).Flush()
			if event == "data: end!" {
				return
			}
		}
	}))
	for _, path := range []string{"/", "/sized"} {
		conn := rig.dial(t)
		conn.say(t, "GET "+path+" HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "")
		res := conn.hear(t, "GET") // before the first event
		for _, event := range []string{"data: one\n", "data: end!"} {
			next <- event
			got := make([]byte, len(event))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != event {
				t.Fatalf("%s: read %q, %v; want %q before the next is made", path, got, err, event)
			}
		}
	}
}

func TestCancellationReachesTheUpstream(t *testing.T) {
	t.Parallel()
	arrived, gone := make(chan bool), make(chan bool)
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			io.WriteString(w, "begun")
			http.NewResponseController(w).Flush()
		}
		arrived <- true
		<-r.Context().Done()
		gone <- true
	}))
	for path, status := range map[string]float64{"/": 499, "/body": 200} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		q := rig.newRequest(t, "GET", path, nil, "Cookie", signedIn(t)).WithContext(ctx)
		go func() {
			<-arrived
			if path == "/" {
				cancel()
			}
		}()
		if res, err := rig.Client().Transport.RoundTrip(q); err == nil {
			cancel() // with the header here and the body under way
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the upstream goes on ten seconds after the visitor has left", path)
		}
		if line := rig.lines.next(t); line["status"] != status || line["outcome"] != "proxied" {
			t.Errorf("%s: access line says status %v, outcome %v; want %v, proxied", path, line["status"], line["outcome"], status)
		}
	}
}

func TestCompressedBodiesPassUntouched(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "hello")
	z.Close()
	var accepted atomic.Value
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accepted.Store(r.Header.Get("Accept-Encoding"))
		if body, _ := io.ReadAll(r.Body); len(body) > 0 && !bytes.Equal(body, packed.Bytes()) {
			t.Errorf("the site got %q, want the compressed body", body)
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	}))
	for _, accept := range []string{"gzip", "br", ""} {
		lines := []string{"POST / HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t), "Content-Encoding: gzip",
			fmt.Sprintf("Content-Length: %d", packed.Len()), "Connection: close"}
		if accept != "" {
			lines = append(lines, "Accept-Encoding: "+accept)
		}
		conn := rig.dial(t)
		conn.say(t, append(lines, "", packed.String())...)
		a := readAnswer(t, conn.hear(t, "POST"))
		if a.body != packed.String() || a.Header.Get("Content-Encoding") != "gzip" || a.ContentLength != int64(packed.Len()) {
			t.Errorf("Accept-Encoding %q: %d bytes of %q, want the site's %d of gzip", accept, len(a.body), a.Header.Get("Content-Encoding"), packed.Len())
		}
		if got := accepted.Load(); got != accept {
			t.Errorf("the site was asked for %q, want %q", got, accept)
		}
	}
}

func TestUpstreamDownOrSlow(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	silent := httptest.NewServer(switching(func(conn io.ReadWriter) { io.Copy(io.Discard, conn) }))
	t.Cleanup(silent.Close)
	rude := httptest.NewServer(switching(func(conn io.ReadWriter) { io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n") }))
	t.Cleanup(rude.Close)
	rig := newRig(t, nil, func(c *testConfig) {
		c.UpstreamTimeout = 100 * time.Millisecond
		c.Upstreams = []gateway.Upstream{
			{Prefix: "/closed", URL: mustURL(t, closed.URL)}, {Prefix: "/silent", URL: mustURL(t, silent.URL)}, {Prefix: "/rude", URL: mustURL(t, rude.URL)},
			{Prefix: "/absent", URL: mustURL(t, "unix:///nonexistent/site.sock")},
		}
	})
	for _, test := range []struct {
		path   string
		status int
	}{{"/closed", 502}, {"/silent", 504}, {"/rude", 502}, {"/absent", 502}} {
		page := rig.do(t, "GET", test.path, "Cookie", signedIn(t), "Accept", "text/html", "User-Agent", browserUA)
		if page.StatusCode != test.status || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.body, "</html>") {
			t.Errorf("%s: page load: %d %s, want %d as a page", test.path, page.StatusCode, page.Header.Get("Content-Type"), test.status)
		}
		api := rig.do(t, "GET", test.path, "Cookie", signedIn(t), "Sec-Fetch-Mode", "cors")
		if f := refusalOf(t, api); api.StatusCode != test.status || f.Error != "upstream_unavailable" {
			t.Errorf("%s: script: %d %q, want %d upstream_unavailable", test.path, api.StatusCode, f.Error, test.status)
		}
		for _, a := range []*answer{page, api} {
			if len(a.Header["Set-Cookie"]) > 0 || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s: header %v, want the session left alone, no-store and Retry-After", test.path, a.Header)
			}
		}
		for range 2 {
			if line := rig.lines.next(t); line["outcome"] != "error" || line["user"] == nil {
				t.Errorf("%s: access line %v, want outcome error and the user", test.path, line)
			}
		}
	}
}

func TestUpstreamBreaksOff(t *testing.T) {
	t.Parallel()
	rig := newRig(t, switching(func(conn io.ReadWriter) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	}))
	q := rig.newRequest(t, "GET", "/", nil, "Cookie", signedIn(t))
	res, err := rig.Client().Transport.RoundTrip(q)
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("the visitor sees a whole answer, want a broken one")
	}
	if line := rig.lines.next(t); line["status"] != 200.0 || line["bytes"] != 4.0 {
		t.Errorf("access line %v, want status 200 and 4 bytes", line)
	}
}

// A visitor who breaks off an upload is no outage of the site.
func TestVisitorBreaksOff(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	for _, body := range [][]string{
		{"Content-Length: 100", "", "half"},
		{"Transfer-Encoding: chunked", "", "zz", "not a chunk", ""},
	} {
		conn := rig.dial(t)
		conn.say(t, append([]string{"POST / HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t)}, body...)...)
		conn.Conn.(*net.TCPConn).CloseWrite()
		conn.hear(t, "POST")
		if line := rig.lines.next(t); line["status"] != 400.0 && line["status"] != 499.0 {
			t.Errorf("%s: access line %v, want status 400 or 499", body[0], line)
		}
	}
}

func TestMaxBodyBytes(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site, func(c *testConfig) { c.MaxBodyBytes = 10 })
	tests := []struct {
		name    string
		body    string
		chunked bool
		status  int
	}{
		{"nothing", "", false, 200}, {"just as much", "0123456789", false, 200}, {"just as much in chunks", "0123456789", true, 200},
		{"one too many", "0123456789a", false, 413}, {"one too many in chunks", "0123456789a", true, 413},
		{"far too many in chunks", strings.Repeat("x", 1<<20), true, 413},
	}
	for _, test := range tests {
		before := site.hits.Load()
		var body io.Reader = strings.NewReader(test.body)
		if test.chunked {
			body = struct{ io.Reader }{body}
		}
		a := rig.send(t, rig.newRequest(t, "POST", "/", body, "Cookie", signedIn(t)))
		if a.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.name, a.StatusCode, test.status)
			continue
		}
		if test.status == 200 {
			if got := echoOf(t, a).Body; got != test.body {
				t.Errorf("%s: the site got %q, want %q", test.name, got, test.body)
			}
			continue
		}
		if f := refusalOf(t, a); f.Error != "body_too_large" {
			t.Errorf("%s: error %q, want body_too_large", test.name, f.Error)
		}
		if !test.chunked && site.hits.Load() != before {
			t.Errorf("%s: reached the site", test.name)
		}
	}
}

func TestUpstreamConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var opened atomic.Int64
	release := make(chan bool)
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/together" {
			<-release
		}
		io.WriteString(w, "hello")
	}))
	upstream.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	upstream.Start()
	t.Cleanup(upstream.Close)
	rig := newRig(t, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
	})
	for range 200 {
		rig.do(t, "GET", "/", "Cookie", signedIn(t))
	}
	if n := opened.Load(); n > 2 {
		t.Errorf("200 requests one after the other opened %d connections, want 1", n)
	}
	const visitors = 50
	for round := range 4 {
		var wg sync.WaitGroup
		for range visitors {
			wg.Go(func() { rig.do(t, "GET", "/together", "Cookie", signedIn(t)) })
		}
		for range visitors {
			release <- true
		}
		wg.Wait()
		if n := opened.Load(); n > visitors+5 {
			t.Errorf("after round %d of %d requests at once: %d connections opened, want about %d", round+1, visitors, n, visitors)
		}
	}
}

func TestSessionRenewal(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		if cache := r.URL.Query().Get("cache"); cache != "" {
			w.Header().Set("Cache-Control", cache)
		}
		w.Header().Add("Set-Cookie", "site=1")
		w.Header().Add("Set-Cookie", rigCookie+"=evil")
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
	}), func(c *testConfig) { c.PublicPaths = []string{"/static/"} })
	tests := []struct {
		name, target string
		age          time.Duration
		renewed      bool
	}{
		{"fresh", "/", 0, false},
		{"before half", "/", 12*time.Hour - time.Minute, false},
		{"after half", "/", 12*time.Hour + time.Second, true},
		{"just alive", "/", 24*time.Hour - time.Minute, true},
		{"after a preliminary answer", "/early", 13 * time.Hour, true},
		{"on an error of the site", "/missing", 13 * time.Hour, true},
		{"on a public path", "/static/a.js", 13 * time.Hour, true},
		{"private answer", "/?cache=private,max-age=60", 13 * time.Hour, true},
		{"answer for everybody", "/?cache=public,max-age=60", 13 * time.Hour, false},
		{"answer for everybody, spelled otherwise", "/?cache=max-age=60,+Public", 13 * time.Hour, false},
		{"answer for shared caches", "/?cache=s-maxage=60", 13 * time.Hour, false},
	}
	for _, test := range tests {
		old := signedIn(t, renewedAgo(test.age))
		a := rig.do(t, "GET", test.target, "Cookie", old)
		if got := a.sessionCookie(); (got != "") != test.renewed || got == "evil" {
			t.Errorf("%s: session cookie %q, want one: %t", test.name, got, test.renewed)
			continue
		}
		if !test.renewed {
			continue
		}
		// The new one works, and is not renewed again at once.
		again := rig.do(t, "GET", "/", "Cookie", rigCookie+"="+a.sessionCookie())
		if again.StatusCode != 200 || again.sessionCookie() != "" {
			t.Errorf("%s: the renewed session gets %d, Set-Cookie %q; want 200 and no cookie", test.name, again.StatusCode, again.Header["Set-Cookie"])
		}
	}
	if a := rig.do(t, "GET", "/", "Cookie", signedIn(t, renewedAgo(24*time.Hour))); a.StatusCode == 200 {
		t.Error("an expired session got in")
	}
}
