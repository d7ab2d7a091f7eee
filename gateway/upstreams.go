package gateway

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/idna"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/direct"
	"github.com/wxgate/wxgate/gateway/internal/forward"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// Upstream is a web app behind the gateway.
type Upstream struct {
	// Prefix is the path that the app serves, "/" or "/api/". Of several that fit
	// a request, the longest is used. Without a slash at its end it stands for
	// itself and for what is below it.
	Prefix string
	// URL is where the app listens: http, https, h2c (HTTP/2 in the clear), or
	// unix with the socket's path. Paths and queries are forwarded as they came,
	// so an http(s) or h2c URL has no path of its own.
	URL *url.URL
}

// serves reports whether the path belongs to the upstream.
func (u Upstream) serves(path string) bool {
	rest, ok := strings.CutPrefix(path, u.Prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(u.Prefix, "/"))
}

// check returns what is wrong with the upstream.
func (u Upstream) check() error {
	switch {
	case !utf8.ValidString(u.Prefix): // it is a metric's label
		return fmt.Errorf("upstream %q: expected a prefix in UTF-8", u.Prefix)
	case !strings.HasPrefix(u.Prefix, "/") || u.URL == nil:
		return fmt.Errorf("upstream %q: expected a prefix that begins with / and a URL", u.Prefix)
	case u.URL.Scheme == "unix" && u.URL.Path == "":
		return errors.New("upstream scheme unix: expected the path of a socket")
	case u.URL.Scheme == "unix":
		return nil
	case !slices.Contains([]string{"http", "https", "h2c"}, u.URL.Scheme):
		return fmt.Errorf("upstream scheme %q: expected http, https, h2c or unix", u.URL.Scheme)
	case u.URL.Host == "":
		return fmt.Errorf("upstream %q: expected a URL with a host", u.Prefix)
	}
	return nil
}

// upstreams are the web apps behind one site.
type upstreams struct {
	list    []upstream // the longest prefix first
	buffers *bufferPool
}

// upstream is one web app, with the way to it.
type upstream struct {
	Upstream
	target    *url.URL // scheme and host of the requests to it
	transport http.RoundTripper
	errorLog  *log.Logger
}

// newUpstreams returns the upstreams of the site that c describes, nil if there
// are none.
func newUpstreams(c Site, s *site, buffers *bufferPool, errs *fieldErrors) app {
	errs.positive("UpstreamTimeout", c.UpstreamTimeout)
	if len(c.Upstreams) == 0 {
		return nil
	}
	all := &upstreams{buffers: buffers}
	timeout := cmp.Or(c.UpstreamTimeout, 60*time.Second)
	for i, u := range c.Upstreams {
		if err := u.check(); err != nil {
			errs.add("Upstreams", err)
			continue
		}
		if slices.ContainsFunc(c.Upstreams[:i], func(other Upstream) bool { return other.Prefix == u.Prefix }) {
			errs.add("Upstreams", fmt.Errorf("two upstreams for %s, expected one", u.Prefix))
		}
		transport, target := newTransport(u.URL, timeout, c.UpstreamCAs)
		s.background.idle = append(s.background.idle, transport)
		duration := s.metrics.upstreamDuration.WithLabelValues(u.Prefix)
		timed := timed{transport, duration, newUpstreamSpans(s.tracer, u, target)}
		logger := s.logger.With().Str("upstream", u.name()).Str("hint", "read its log: its answer broke off").Logger()
		all.list = append(all.list, upstream{u, target, timed, forward.ErrorLog(logger)})
	}
	slices.SortStableFunc(all.list, func(a, b upstream) int { return len(b.Prefix) - len(a.Prefix) })
	return all
}

// forward implements [app].
func (u *upstreams) forward(s *site, w *recorder, r *http.Request, q *facts, ask question, v visitor) error {
	to := u.of(r.URL.Path)
	if to == nil {
		return refusal.NotFound()
	}
	w.AsIs = true
	newForwarding(s, u, to, r, q, ask, v).serve(w, r)
	// Set-Cookie belongs to the header, where the gateway's own cookies are
	// looked for. An intermediary may merge a trailer into it.
	delete(w.Header(), http.TrailerPrefix+"Set-Cookie")
	return nil
}

// of returns the upstream that serves a path; nil if there is none.
func (u *upstreams) of(path string) *upstream {
	for i := range u.list {
		if u.list[i].serves(path) {
			return &u.list[i]
		}
	}
	return nil
}

// transport sends requests to one upstream.
type transport interface {
	http.RoundTripper
	idleCloser
}

// newTransport returns the transport for an upstream, and the scheme and host of
// the requests to it.
func newTransport(u *url.URL, timeout time.Duration, cas *x509.CertPool) (transport, *url.URL) {
	t, target := forward.NewTransport(timeout), &url.URL{Scheme: "http", Host: u.Host}
	switch u.Scheme {
	case "https":
		target.Scheme = "https"
		t.ForceAttemptHTTP2 = true
		t.TLSClientConfig = &tls.Config{RootCAs: cas}
		return t, target
	case "h2c":
		t.Protocols = new(http.Protocols)
		t.Protocols.SetUnencryptedHTTP2(true)
		return t, target
	case "unix":
		target.Host = "localhost"
		return newDirect(t, timeout, "unix", u.Path), target
	}
	return newDirect(t, timeout, "tcp", net.JoinHostPort(hostname(u), cmp.Or(u.Port(), "80"))), target
}

// hostname returns the host of u as DNS knows it. If it cannot be one, the dialer has the
// error.
func hostname(u *url.URL) string {
	host := u.Hostname()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		return ascii
	}
	return host
}

// newDirect returns the transport to the given address. It leaves to others what is not
// simple.
func newDirect(others *http.Transport, timeout time.Duration, network, address string) transport {
	dialer := forward.NewDialer()
	dial := func(ctx context.Context) (net.Conn, error) {
		return dialer.Dialer.DialContext(ctx, network, address)
	}
	if !direct.Supported {
		others.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}
		return others
	}
	d := direct.New(direct.Config{Dial: dial, HeaderTimeout: timeout, Others: others})
	// The two share connections, one way at once, and the other way after a moment.
	others.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := d.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return forward.AnswerFirst(c), nil
	}
	others.IdleConnTimeout = 2 * time.Second
	return d
}

// timed is a transport that observes the time until the response header.
type timed struct {
	http.RoundTripper
	duration prometheus.Observer
	spans    upstreamSpans
}

// RoundTrip implements [http.RoundTripper].
func (t timed) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	span := t.spans.start(r)
	res, err := t.RoundTripper.RoundTrip(r)
	access.Observe(t.duration, time.Since(start), spanContext(span))
	endUpstream(span, res, err)
	return res, err
}
