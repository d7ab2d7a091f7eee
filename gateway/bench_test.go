//go:build unix

package gateway_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
)

// The benchmarks compare the gateway with a ReverseProxy that only forwards,
// before the same site. "cpu-ns/op" is the processor time of the whole process,
// including client and site, whose part BenchmarkDirect shows. Compare medians of
// several runs (-count).

// BenchmarkGateway is a signed-in visitor's GET, access log on.
func BenchmarkGateway(b *testing.B) {
	benchGet(b, benchGateway(b, benchSite(b)))
}

// BenchmarkGatewayManyCookies is the same with 2,900 more cookies by the session's
// name, none of them valid.
func BenchmarkGatewayManyCookies(b *testing.B) {
	name, _, _ := strings.Cut(signedIn(b), "=")
	junk := strings.Repeat(name+"=MXx4fHk=; ", 2900) // the signature is checked
	head := strings.Replace(benchHead(b, "GET"), "; visits=12", "; "+junk+"visits=12", 1)
	benchRequests(b, benchGateway(b, benchSite(b)), []byte(head+"\r\n"), 600)
}

// BenchmarkReverseProxy is the same GET through a plain proxy.
func BenchmarkReverseProxy(b *testing.B) {
	benchGet(b, benchProxy(b, benchSite(b)))
}

// BenchmarkDirect is the same GET without a proxy.
func BenchmarkDirect(b *testing.B) {
	benchGet(b, benchSite(b).Host)
}

// BenchmarkForward1MiB moves a megabyte in the body of a request (up) or of an
// answer (down), through the gateway and through a plain proxy.
func BenchmarkForward1MiB(b *testing.B) {
	const size = 1 << 20
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			io.Copy(io.Discard, r.Body)
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(size))
		chunk := make([]byte, 64<<10)
		for range size / len(chunk) {
			w.Write(chunk)
		}
	}))
	b.Cleanup(site.Close)
	proxies := []struct {
		name    string
		address string
	}{{"gateway", benchGateway(b, mustURL(b, site.URL))}, {"plain", benchProxy(b, mustURL(b, site.URL))}}
	for _, proxy := range proxies {
		b.Run("down/"+proxy.name, func(b *testing.B) {
			b.SetBytes(size)
			benchRequests(b, proxy.address, []byte(benchHead(b, "GET")+"\r\n"), size)
		})
		b.Run("up/"+proxy.name, func(b *testing.B) {
			b.SetBytes(size)
			head := benchHead(b, "POST") + "Content-Length: " + strconv.Itoa(size) + "\r\n\r\n"
			benchRequests(b, proxy.address, append([]byte(head), make([]byte, size)...), 0)
		})
	}
}

// benchGateway starts a gateway and returns its address.
func benchGateway(b *testing.B, site *url.URL) string {
	return newRig(b, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: site}}
		c.Logger = zerolog.New(io.Discard).With().Timestamp().Logger()
	}).Listener.Addr().String()
}

// benchProxy starts a plain proxy with the gateway's transport settings.
func benchProxy(b *testing.B, site *url.URL) string {
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(site)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			DisableCompression:    true,
			MaxIdleConnsPerHost:   256,
			IdleConnTimeout:       90 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
		},
		BufferPool: &benchBuffers{sync.Pool{New: func() any { return new([32 << 10]byte) }}},
	})
	b.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

type benchBuffers struct{ pool sync.Pool }

func (p *benchBuffers) Get() []byte  { return p.pool.Get().(*[32 << 10]byte)[:] }
func (p *benchBuffers) Put(b []byte) { p.pool.Put((*[32 << 10]byte)(b)) }

// benchSite starts a site that answers every request with the same small page,
// and looks only for the end of a request.
func benchSite(b *testing.B) *url.URL {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { listener.Close() })
	body := strings.Repeat("hello ", 100)
	page := []byte("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nDate: Mon, 02 Mar 2026 08:00:00 GMT\r\nEtag: \"5f0c9d7e\"\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n\r\n" + body)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				for {
					line, err := r.ReadSlice('\n')
					if err != nil {
						return
					}
					if len(line) == 2 {
						conn.Write(page)
					}
				}
			}()
		}
	}()
	return &url.URL{Scheme: "http", Host: listener.Addr().String()}
}

// benchHead is the request line and header of a visitor's browser, without the
// empty line at the end.
func benchHead(b *testing.B, method string) string {
	return strings.Join([]string{
		method + " /shop/items?item=1024&from=timeline HTTP/1.1", "Host: " + rigHost, "User-Agent: " + browserUA,
		"Accept: application/json, text/plain, */*", "Accept-Language: zh-CN,zh-Hans;q=0.9", "Accept-Encoding: gzip, deflate, br",
		"Referer: https://h5.example.com/shop", "Sec-Fetch-Mode: cors", "Sec-Fetch-Site: same-origin",
		"Cookie: theme=dark; " + signedIn(b) + "; visits=12", "",
	}, "\r\n")
}

func benchGet(b *testing.B, address string) {
	benchRequests(b, address, []byte(benchHead(b, "GET")+"\r\n"), 600)
}

// benchRequests sends the same request b.N times on a few connections, and reads
// answers with a body of size bytes.
func benchRequests(b *testing.B, address string, request []byte, size int) {
	b.ReportAllocs()
	b.SetParallelism(4)
	before := cpuTime(b)
	b.RunParallel(func(pb *testing.PB) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		r := bufio.NewReaderSize(conn, 64<<10)
		for pb.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			first := true
			for {
				line, err := r.ReadSlice('\n')
				if err != nil || first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
					b.Errorf("answer begins %q, %v; want 200", line, err)
					return
				}
				if first = false; len(line) == 2 {
					break
				}
			}
			if _, err := r.Discard(size); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime returns the processor time that this process has used.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
