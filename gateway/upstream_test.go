package gateway_test

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

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

// h2c is HTTP/2 without TLS, and HTTP/1 too if http1 is set.
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
		{"https, the system's CAs", secure.URL, "", 502, nil},
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

// zeros is an endless body of zeros.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
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
		// On HTTP/1 the request line would end at the space.
		before := site.hits.Load()
		a = ask("/a HTTP/1.0 ")
		if f := refusalOf(t, a); a.StatusCode != 400 || f.Error != "invalid_request" || site.hits.Load() != before {
			t.Errorf("%s: a path with a space: %d %s, %d requests to the site; want the gateway's own 400 and none",
				test.name, a.StatusCode, f.Error, site.hits.Load()-before)
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
