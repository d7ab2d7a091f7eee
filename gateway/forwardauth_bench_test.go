//go:build unix

package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// BenchmarkForwardAuth is a check over HTTP, keep-alive, with a valid cookie,
// access log on. "cpu-ns/op" includes the client and the kernel;
// BenchmarkForwardAuthHandler measures the gateway alone.
func BenchmarkForwardAuth(b *testing.B) {
	r := newAuthRig(b, quiet)
	benchRequests(b, r.Listener.Addr().String(), []byte(authHead(b)), 0)
}

// BenchmarkForwardAuthFloor is the same exchange with a handler that does
// nothing.
func BenchmarkForwardAuthFloor(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	b.Cleanup(server.Close)
	benchRequests(b, server.Listener.Addr().String(), []byte(authHead(b)), 0)
}

// BenchmarkForwardAuthHandler is the check without the network.
func BenchmarkForwardAuthHandler(b *testing.B) {
	g, _ := newGateway(b, nil, quiet, func(c *testConfig) { c.TrustedProxies = loopback })
	q := httptest.NewRequest(http.MethodGet, "/_wx/auth", nil)
	q.RemoteAddr = "127.0.0.1:40000"
	for name, value := range authHeader(b) {
		q.Header.Set(name, value)
	}
	w := &discard{header: make(http.Header)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		if g.ServeHTTP(w, q); w.status != http.StatusOK {
			b.Fatalf("answer %d", w.status)
		}
	}
}

// BenchmarkExtAuthz is a check over gRPC on one connection, client included.
func BenchmarkExtAuthz(b *testing.B) {
	g, _ := newGateway(b, nil, quiet)
	client := newExtAuthz(b, g)
	var header []string
	for name, value := range authHeader(b) {
		if !strings.HasPrefix(name, "X-") {
			header = append(header, name, value)
		}
	}
	question := checkOf(doorRequest{http.MethodGet, "/shop/items?item=1024", header})
	before := cpuTime(b)
	b.ReportAllocs()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			answer, err := client.Check(b.Context(), question)
			if err != nil || answer.GetOkResponse() == nil {
				b.Errorf("Check = %v, %v", answer, err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// quiet writes the access log nowhere: its time counts, its memory does not.
func quiet(c *testConfig) {
	c.Logger = zerolog.New(io.Discard).With().Timestamp().Logger()
}

// authHeader is what Traefik sends for a visitor with a session.
func authHeader(b *testing.B) map[string]string {
	return map[string]string{
		"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", "X-Forwarded-Host": rigHost, "X-Forwarded-Uri": "/shop/items?item=1024",
		"X-Forwarded-For": "203.0.113.7", "User-Agent": browserUA, "Accept": "application/json, text/plain, */*",
		"Sec-Fetch-Mode": "cors", "Cookie": "theme=dark; " + signedIn(b) + "; visits=12",
	}
}

func authHead(b *testing.B) string {
	var head strings.Builder
	head.WriteString("GET /_wx/auth?redirect=true HTTP/1.1\r\nHost: wxgate:8080\r\n")
	for name, value := range authHeader(b) {
		head.WriteString(name + ": " + value + "\r\n")
	}
	return head.String() + "\r\n"
}

// discard is a ResponseWriter that keeps only the status.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
