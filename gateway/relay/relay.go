// Package relay forwards API calls from a site's own servers to WeChat and adds the
// account's access token, so that those servers need neither the AppSecret nor a
// token. The relay does not authenticate its callers: serve it on a private network.
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
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/forward"
	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/gateway/panics"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/wechat"
)

// Config describes a [Relay]. Tokens and Paths are required; every other field has a
// useful zero value.
type Config struct {
	Tokens *wechat.TokenSource // the account's access token
	Paths  []string            // the calls to forward: [http.ServeMux] patterns without a host

	// Hosts are the names by which callers reach the relay, beside those for which
	// [origin.IsPrivate] is true. Their ports are ignored.
	Hosts []string

	APIURL  string        // WeChat's API; default https://api.weixin.qq.com
	Timeout time.Duration // from the end of the request to the response header; default 5s

	Logger    zerolog.Logger        // receives access lines and errors; the zero value discards them
	AccessLog bool                  // write an access line per request
	Metrics   prometheus.Registerer // registers the metrics; nil: nowhere
	Site      string                // label site of the counter; empty: it has no such label
}

// Relay is a handler that forwards the calls of [Config.Paths] to WeChat's API. It
// responds with 421 to a request for an unknown host, with 403 to one of a browser
// and to other calls, and to every failure of its own in JSON. If
// WeChat refuses the token as expired or replaced, the relay renews it and repeats
// the call once, unless the request body is longer than 1 MiB. A Relay is safe for
// concurrent use; make one with [New].
type Relay struct {
	paths     *pathset.Set
	hosts     map[string]bool // of Config.Hosts, canonical
	api       *url.URL
	transport http.RoundTripper
	logger    zerolog.Logger
	accessLog *access.Log
}

// New returns the relay that c describes. An error names the field of c that is
// wrong. New opens no connection.
func New(c Config) (*Relay, error) {
	switch {
	case c.Tokens == nil || c.Tokens.Client == nil:
		return nil, errors.New("relay: Tokens: expected a TokenSource with a Client")
	case len(c.Paths) == 0:
		return nil, errors.New("relay: Paths: required")
	case c.Timeout < 0:
		return nil, fmt.Errorf("relay: Timeout: %s: expected a positive duration", c.Timeout)
	}
	paths, err := pathset.New(c.Paths)
	if err != nil {
		return nil, fmt.Errorf("relay: Paths: %w", err)
	}
	hosts, err := parseHosts(c.Hosts)
	if err != nil {
		return nil, fmt.Errorf("relay: Hosts: %w", err)
	}
	api, err := parseAPIURL(cmp.Or(c.APIURL, "https://api.weixin.qq.com"))
	if err != nil {
		return nil, fmt.Errorf("relay: APIURL: %w", err)
	}
	logger := c.Logger.With().Str("server", "relay").Logger()
	log, err := newAccessLog(c, logger)
	if err != nil {
		return nil, fmt.Errorf("relay: Metrics: %w", err)
	}
	transport := &tokenTransport{newTransport(cmp.Or(c.Timeout, 5*time.Second)), c.Tokens}
	return &Relay{paths, hosts, api, transport, logger, log}, nil
}

// parseAPIURL parses the URL of WeChat's API, which may have a path.
func parseAPIURL(text string) (*url.URL, error) {
	if _, err := origin.ParseURL(text, "http", "https"); err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("expected a URL with a valid path")
	}
	return u, nil
}

// The outcomes of a relayed call.
const (
	outcomeProxied   = "proxied"
	outcomeForbidden = "forbidden"
	outcomeError     = "error"
)

func newAccessLog(c Config, logger zerolog.Logger) (*access.Log, error) {
	logs, err := access.New(access.Config{
		Listener: "relay",
		Requests: "Requests to the API relay, by outcome and status.",
		Duration: "Time from a relayed request's header to the end of its response.",
		Usual: map[string][]int{
			outcomeProxied:   {200, 499},
			outcomeForbidden: {403},
			outcomeError:     {400, 408, 421, 502, 503},
		},
		BySite:  c.Site != "",
		Logger:  logger,
		Lines:   c.AccessLog,
		Metrics: c.Metrics,
	})
	return logs.Of(c.Site), err
}

// ServeHTTP forwards r if it is allowed.
func (l *Relay) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	start, id := time.Now(), rand.Text()
	panics.SetRequestID(r.Context(), id)
	w := &access.Recorder{ResponseWriter: rw, Outcome: outcomeProxied, AsIs: true}
	defer func() { // even if ReverseProxy panics because WeChat aborts a response
		client, _, _ := net.SplitHostPort(r.RemoteAddr)
		l.accessLog.Record(r, w, access.Entry{RequestID: id, ClientIP: client, Elapsed: time.Since(start)})
	}()
	if e := l.refuse(r); e != nil {
		w.Outcome = outcomeForbidden
		if e.Status == http.StatusMisdirectedRequest {
			w.Outcome = outcomeError
		}
		e.WriteJSON(w, id)
		return
	}
	l.forward(w, r, id)
}

// forward forwards an allowed call.
func (l *Relay) forward(w *access.Recorder, r *http.Request, id string) {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // an upload may take longer
	}
	var body forward.Body // if the call has one
	proxy := httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(l.api)
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery // unchanged: ReverseProxy drops what it cannot parse
			pr.Out.Trailer = nil
			if pr.Out.Body != nil {
				body.ReadCloser = pr.Out.Body
				pr.Out.Body = &body
			}
			strip(pr.Out.Header)
		},
		Transport:     l.transport,
		FlushInterval: -1,
		ErrorHandler:  func(_ http.ResponseWriter, r *http.Request, err error) { l.fail(w, r, id, err, body.Late()) },
		ErrorLog:      forward.ErrorLog(l.logger),
	}
	proxy.ServeHTTP(w, r)
}

// strip removes the headers that WeChat must not get, and those that would give the
// response a form in which tokenRefused cannot read it.
func strip(h http.Header) {
	for name := range h {
		if headers.IsIdentity(name) || headers.IsDisguised(name) {
			delete(h, name)
		}
	}
	for _, name := range []string{
		"Idempotency-Key", "X-Idempotency-Key", // with one of them, net/http may repeat a POST
		"Cookie", "Authorization", "Proxy-Authorization", "Forwarded", "X-Real-Ip",
		"Upgrade", "Connection", "Expect", "Accept-Encoding",
	} {
		delete(h, name)
	}
}

// fail writes the response to a call that ended with err. late: its body did not
// arrive in time.
func (l *Relay) fail(w *access.Recorder, r *http.Request, id string, err error, late bool) {
	if !late && errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(access.StatusClientLeft)
		return
	}
	w.Outcome = outcomeError
	e := refusal.WeChat(err)
	if late {
		e = refusal.BodyTimeout(err)
	} else if _, ok := errors.AsType[*forward.BodyError](err); ok {
		e = refusal.InvalidRequest(err)
		e.Message = "The request body cannot be read."
	}
	e.Log(l.logger, id)
	w.Header().Set("Cache-Control", "no-store")
	e.WriteJSON(w, id)
}
