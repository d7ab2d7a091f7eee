package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Upstream is a web app behind the gateway.
type Upstream struct {
	// Prefix is the path that the app serves, "/" or "/api/"; of several that
	// fit a request, the longest is used. Without a slash at the end it stands
	// for itself and what is below it.
	Prefix string
	// URL is where the app listens: http, https, h2c (HTTP/2 in the clear), or
	// unix with the socket's path. Paths and queries are forwarded as they
	// came, so that http(s) and h2c addresses have no path of their own.
	URL *url.URL
}

// serves reports whether the path belongs to the upstream.
func (u Upstream) serves(path string) bool {
	rest, ok := strings.CutPrefix(path, u.Prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(u.Prefix, "/"))
}

// newProxy returns the handler that forwards to the upstreams, nil where there
// are none.
func (g *guard) newProxy(c Config) (http.Handler, error) {
	if len(c.Upstreams) == 0 {
		return nil, nil
	}
	upstreams := slices.Clone(c.Upstreams)
	slices.SortStableFunc(upstreams, func(a, b Upstream) int { return len(b.Prefix) - len(a.Prefix) })
	handlers := make([]http.Handler, len(upstreams))
	for i, u := range upstreams {
		if !strings.HasPrefix(u.Prefix, "/") || u.URL == nil {
			return nil, fmt.Errorf("upstream %q: expected a prefix that begins with / and a URL", u.Prefix)
		}
		transport, target, err := newTransport(u.URL, c)
		if err != nil {
			return nil, err
		}
		handlers[i] = &httputil.ReverseProxy{
			Rewrite:        g.rewrite(target),
			Transport:      timed{transport, g.metrics.upstreamDuration.WithLabelValues(u.Prefix)},
			ModifyResponse: g.modifyResponse,
			ErrorHandler:   g.upstreamFailed,
			ErrorLog:       log.New(proxyLog{g}, "", 0),
			BufferPool:     g.buffers,
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range upstreams {
			if upstreams[i].serves(r.URL.Path) {
				handlers[i].ServeHTTP(w, r)
				// Cookies belong to the header, where the gateway's own are
				// looked for; an intermediary may merge the two.
				delete(w.Header(), http.TrailerPrefix+"Set-Cookie")
				return
			}
		}
		g.fail(w, r, &failure{Status: http.StatusNotFound, Word: wordNotFound})
	}), nil
}

// rewrite returns the function that makes the request to the upstream at
// target out of the visitor's. What the client may not say is removed first,
// what the gateway says is set after, so that nothing the client sends (a
// Connection header that names X-WX-OpenID, say) can take it away.
func (g *guard) rewrite(target *url.URL) func(*httputil.ProxyRequest) {
	return func(pr *httputil.ProxyRequest) {
		out, v := pr.Out, visitOf(pr.In.Context())
		out.URL.Scheme, out.URL.Host = target.Scheme, target.Host
		keepTarget(out.URL, pr.In)
		out.Trailer = nil
		if out.Body != nil {
			out.Body = visitorBody{out.Body}
		}
		g.prepare(out.Header, pr.In, v)
	}
}

// prepare turns the client's headers into those that the site sees.
func (g *guard) prepare(h http.Header, in *http.Request, v *visit) {
	onlyWebSocket(h, in.Method)
	stripIdentity(h)
	g.stripCookies(h)
	g.setForwarded(h, in, v)
	if v.session != nil {
		g.setIdentity(h, v.session)
	}
}

// keepTarget makes u ask for the path and query of in byte for byte: signatures
// of WeChat's JS-SDK depend on it. ReverseProxy has cleaned the query, and
// net/url would encode a path anew that holds signs it thinks odd.
func keepTarget(u *url.URL, in *http.Request) {
	u.RawQuery, u.ForceQuery = in.URL.RawQuery, in.URL.ForceQuery
	if path := rawPath(in); !strings.HasPrefix(path, "//") { // Opaque gives // a meaning of its own
		u.Opaque = path
	}
}

// onlyWebSocket takes every other Upgrade out of a request: inside an h2c
// tunnel, say, nothing would be checked.
func onlyWebSocket(h http.Header, method string) {
	upgrade := h["Upgrade"]
	if len(upgrade) == 0 || len(upgrade) == 1 && strings.EqualFold(upgrade[0], "websocket") && method == http.MethodGet {
		return
	}
	delete(h, "Upgrade")
	delete(h, "Connection")
}

// modifyResponse checks an upstream's answer on its way to the visitor.
func (g *guard) modifyResponse(res *http.Response) error {
	delete(res.Trailer, "Set-Cookie")
	g.complete(res.StatusCode, res.Header, res.Request, visitOf(res.Request.Context()))
	return nil
}

// upstreamFailed answers for an upstream that did not.
func (g *guard) upstreamFailed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(statusClientLeft) // nobody failed, and nobody reads it
		return
	}
	f := &failure{Status: http.StatusBadGateway, Word: wordUpstreamUnavailable, Err: unquoted(err), RetryAfter: retryAfter}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		f = &failure{Status: http.StatusRequestEntityTooLarge, Word: wordBodyTooLarge}
	} else if _, ok := errors.AsType[*bodyError](err); ok {
		f = &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest, Err: unquoted(err)}
	} else if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		f.Status = http.StatusGatewayTimeout
	}
	g.fail(w, r, f)
}

// unquoted is err for the log, without what net/http quotes in it: a piece of
// the answer, in which an openid or a cookie may stand.
func unquoted(err error) error {
	return errors.New(before(err.Error(), `"`))
}

// visitorBody is a request's body whose errors can be told from the
// upstream's: a visitor who breaks off an upload is no outage.
type visitorBody struct{ io.ReadCloser }

func (b visitorBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = &bodyError{err}
	}
	return n, err
}

// bodyError says that the visitor's body could not be read.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read request body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// proxyLog receives what ReverseProxy has to say besides errors.
type proxyLog struct{ g *guard }

func (l proxyLog) Write(line []byte) (int, error) {
	l.g.logger.Debug().Str("detail", strings.TrimSpace(string(line))).Msg("proxy")
	return len(line), nil
}

// timed is a transport that observes how long the response header took.
type timed struct {
	http.RoundTripper
	observer prometheus.Observer
}

func (t timed) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	res, err := t.RoundTripper.RoundTrip(r)
	t.observer.Observe(time.Since(start).Seconds())
	return res, err
}

// newTransport returns a transport for an upstream, and the scheme and host
// with which requests ask it.
func newTransport(u *url.URL, c Config) (http.RoundTripper, *url.URL, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true, // bodies pass as the upstream made them
		MaxIdleConnsPerHost:   256,  // the default of 2 would close most connections under load
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ResponseHeaderTimeout: c.UpstreamTimeout,
	}
	if t.ResponseHeaderTimeout == 0 {
		t.ResponseHeaderTimeout = 60 * time.Second
	}
	target := &url.URL{Scheme: "http", Host: u.Host}
	switch u.Scheme {
	case "http":
		t.ForceAttemptHTTP2 = false
	case "https":
		target.Scheme = "https"
		t.TLSClientConfig = &tls.Config{RootCAs: c.UpstreamCAs}
	case "h2c":
		t.Protocols = new(http.Protocols)
		t.Protocols.SetUnencryptedHTTP2(true)
	case "unix":
		socket := u.Path
		target.Host = "localhost"
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
	default:
		return nil, nil, fmt.Errorf("upstream scheme %q: expected http, https, h2c or unix", u.Scheme)
	}
	return t, target, nil
}

// bufferPool lends the buffers through which bodies are copied.
type bufferPool struct{ pool sync.Pool }

const bufferBytes = 32 << 10

func newBufferPool() *bufferPool {
	return &bufferPool{sync.Pool{New: func() any { return new([bufferBytes]byte) }}}
}

// Get and Put implement [httputil.BufferPool].
func (p *bufferPool) Get() []byte  { return p.pool.Get().(*[bufferBytes]byte)[:] }
func (p *bufferPool) Put(b []byte) { p.pool.Put((*[bufferBytes]byte)(b)) }
