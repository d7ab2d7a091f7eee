// Package relay forwards calls of a site's own servers to WeChat's API and adds
// the account's access token, so that the site holds neither the AppSecret nor a
// token. It does not authenticate its callers: serve it on a private network.
package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/forward"
	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/wechat"
)

// Config describes a [Relay]. Tokens and Paths are required.
type Config struct {
	Tokens *wechat.TokenSource // the account's access token
	Paths  []string            // what is forwarded: [http.ServeMux] patterns without a host

	APIURL  string        // WeChat's API; default https://api.weixin.qq.com
	Timeout time.Duration // until WeChat's response header, from the request's end; default 5s

	Logger    zerolog.Logger        // receives access lines and errors; the zero value discards them
	AccessLog bool                  // a line per request
	Metrics   prometheus.Registerer // where the metrics are registered; nil: nowhere
}

// Relay is a handler that forwards to WeChat's API. If WeChat refuses the token
// as expired or replaced, the relay renews it and repeats the call once, provided
// that its body has at most 1 MiB. Other calls are refused in JSON. A Relay is
// safe for concurrent use; make one with [New].
type Relay struct {
	paths     *pathset.Set
	api       *url.URL
	transport http.RoundTripper
	logger    zerolog.Logger
	accessLog *access.Log
}

// New returns a relay, or an error that names the field of c that is wrong. It
// opens no connection.
func New(c Config) (*Relay, error) {
	if c.Tokens == nil || c.Tokens.Client == nil || len(c.Paths) == 0 {
		return nil, errors.New("relay: Tokens with a Client and Paths are required")
	}
	api, err := url.Parse(cmp.Or(c.APIURL, "https://api.weixin.qq.com"))
	if err != nil || api.Host == "" || api.Scheme != "http" && api.Scheme != "https" {
		return nil, errors.New("relay: APIURL: expected an http or https URL")
	}
	if c.Timeout < 0 {
		return nil, fmt.Errorf("relay: Timeout: %s: expected a positive duration", c.Timeout)
	}
	l := &Relay{
		api:       api,
		transport: &signed{newTransport(cmp.Or(c.Timeout, 5*time.Second)), c.Tokens},
		logger:    c.Logger.With().Str("server", "relay").Logger(),
	}
	if l.paths, err = pathset.New(c.Paths); err != nil {
		return nil, fmt.Errorf("relay: Paths: %w", err)
	}
	l.accessLog, err = access.New(access.Config{
		Listener: "relay",
		Requests: "Requests to the API relay, by outcome and status.",
		Duration: "Time from a relayed request's header to the end of its answer.",
		Logger:   l.logger,
		Lines:    c.AccessLog,
		Metrics:  c.Metrics,
	})
	if err != nil {
		return nil, fmt.Errorf("relay: Metrics: %w", err)
	}
	return l, nil
}

// The outcomes of a relayed call.
const (
	outcomeProxied   = "proxied"
	outcomeForbidden = "forbidden"
	outcomeError     = "error"
)

// ServeHTTP forwards r if it is allowed.
func (l *Relay) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	start, id := time.Now(), rand.Text()
	w := &access.Recorder{ResponseWriter: rw, Outcome: outcomeProxied}
	defer func() { // also after a panic of ReverseProxy, when WeChat breaks off
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		l.accessLog.Record(r, w, access.Entry{RequestID: id, ClientIP: client, Elapsed: time.Since(start)})
	}()
	if !l.allowed(r) {
		w.Outcome = outcomeForbidden
		e := refusal.NotAllowed()
		e.Message = "The relay does not forward this call: see WXGATE_RELAY_PATHS."
		e.WriteJSON(w, id)
		return
	}
	l.forward(w, r, id)
}

// forward forwards a call that is allowed.
func (l *Relay) forward(w *access.Recorder, r *http.Request, id string) {
	proxy := httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(l.api)
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery // as it came: ReverseProxy drops what it cannot parse
			pr.Out.Trailer = nil
			strip(pr.Out.Header)
		},
		Transport:     l.transport,
		FlushInterval: -1,
		ErrorHandler:  func(_ http.ResponseWriter, r *http.Request, err error) { l.failed(w, r, id, err) },
		ErrorLog:      forward.ErrorLog(l.logger),
	}
	proxy.ServeHTTP(w, r)
}

// allowed reports whether the configured paths name r. The calls that return a
// token are never allowed; one of cgi-bin/token would also end the token in use.
func (l *Relay) allowed(r *http.Request) bool {
	if byBrowser(r.Header) || strings.Contains(r.RequestURI, " ") { // HTTP/2 can carry a space, a request line cannot
		return false
	}
	switch strings.ToLower(strings.TrimSuffix(r.URL.Path, "/")) {
	case "/cgi-bin/token", "/cgi-bin/stable_token":
		return false
	}
	return r.Method != http.MethodConnect && l.paths.Match(r.Method, r.URL.EscapedPath())
}

// byBrowser reports whether a browser sends the call for a page. A page of any
// site, opened on the private network, could otherwise call in the account's
// name. Servers, for which the relay is, send none of these headers.
func byBrowser(h http.Header) bool {
	for name := range h {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}

// strip removes from a request's header what WeChat must not get, and what would
// make it answer in a form that cannot be read here.
func strip(h http.Header) {
	for name := range h {
		if headers.IsIdentity(name) {
			delete(h, name)
		}
	}
	for _, name := range []string{
		"Idempotency-Key", "X-Idempotency-Key", // with either, net/http repeats a POST by itself
		"Cookie", "Authorization", "Proxy-Authorization", "Forwarded", "X-Real-Ip",
		"Upgrade", "Connection", "Expect", "Accept-Encoding",
	} {
		delete(h, name)
	}
}

// failed answers a call that ended with err.
func (l *Relay) failed(w *access.Recorder, r *http.Request, id string, err error) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(access.StatusClientLeft)
		return
	}
	w.Outcome = outcomeError
	e := refusal.WeChat(err)
	if _, ok := errors.AsType[*forward.BodyError](err); ok {
		e = refusal.InvalidRequest(err)
		e.Message = "The request body cannot be read."
	}
	e.Log(l.logger, id)
	w.Header().Set("Cache-Control", "no-store")
	e.WriteJSON(w, id)
}
