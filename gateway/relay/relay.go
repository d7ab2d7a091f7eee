// Package relay forwards calls of a site's own servers to WeChat's API and adds
// the account's access token to them, so that the site holds neither the
// AppSecret nor a token. Whoever reaches it can call what it forwards: it
// belongs on a listener of a private network.
package relay

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/answer"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/wechat"
)

// Config says what a [Relay] forwards, and where. Tokens and Paths are required.
type Config struct {
	Tokens *wechat.TokenSource // the account's access token
	Paths  []string            // what is forwarded: [http.ServeMux] patterns without a host

	APIURL  string        // WeChat's API; default https://api.weixin.qq.com
	Timeout time.Duration // until WeChat's response header, from the request's end; default 5s

	Logger    zerolog.Logger        // receives access lines and errors; the zero value discards them
	AccessLog bool                  // a line per request
	Metrics   prometheus.Registerer // where the metrics are registered; nil: nowhere
}

// Relay is a handler that forwards to WeChat's API. A token that WeChat refuses
// as expired or replaced is renewed and the call repeated once, if its body has
// at most 1 MiB. What may not pass is answered in JSON. A Relay is safe for
// concurrent use; make one with [New].
type Relay struct {
	paths     *pathset.Set
	proxy     *httputil.ReverseProxy
	logger    zerolog.Logger
	accessLog bool
	metrics   *access.Metrics
}

// New returns a relay, or an error that tells what is wrong with c. It opens no
// connection.
func New(c Config) (*Relay, error) {
	if c.Tokens == nil || len(c.Paths) == 0 {
		return nil, errors.New("relay: Tokens and Paths are required")
	}
	api, err := url.Parse(cmp.Or(c.APIURL, "https://api.weixin.qq.com"))
	if err != nil || api.Host == "" || api.Scheme != "http" && api.Scheme != "https" {
		return nil, errors.New("relay: APIURL: expected an http or https URL")
	}
	l := &Relay{logger: c.Logger, accessLog: c.AccessLog}
	if l.paths, err = pathset.New(c.Paths); err != nil {
		return nil, fmt.Errorf("relay: Paths: %w", err)
	}
	l.metrics, err = access.NewMetrics(c.Metrics, "relay",
		"Requests to the API relay, by what became of them and status.",
		"Time from a relayed request's header to the end of its answer.")
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	l.proxy = &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(api)
			pr.Out.URL.RawQuery = pr.In.URL.RawQuery // as it came: ReverseProxy drops what it cannot parse
			pr.Out.Trailer = nil
			strip(pr.Out.Header)
		},
		Transport:     &signed{newTransport(cmp.Or(c.Timeout, 5*time.Second)), c.Tokens},
		FlushInterval: -1,
		ErrorHandler:  l.failed,
		ErrorLog:      log.New(proxyLog{c.Logger}, "", 0),
	}
	return l, nil
}

// ServeHTTP forwards r, if it may pass.
func (l *Relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{start: time.Now(), id: rand.Text(), outcome: outcomeProxied}
	rec := &recorder{ResponseWriter: w}
	defer func() { l.record(r, c, rec) }() // also where ReverseProxy panics because WeChat broke off
	if !l.allowed(r) {
		c.outcome = outcomeForbidden
		answer.JSON(rec, http.StatusForbidden, answer.Error{
			Word: "not_allowed", Message: "The relay does not forward this call: see WXGATE_RELAY_PATHS.", RequestID: c.id,
		})
		return
	}
	l.proxy.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
}

// allowed reports whether r is named by the configured paths. The calls that
// give out a token are none of the relay's business: through cgi-bin/token,
// moreover, a fetch would end the token in use.
func (l *Relay) allowed(r *http.Request) bool {
	if byBrowser(r.Header) || strings.Contains(r.RequestURI, " ") { // HTTP/2 can carry a blank, a request line cannot
		return false
	}
	switch strings.ToLower(strings.TrimSuffix(r.URL.Path, "/")) {
	case "/cgi-bin/token", "/cgi-bin/stable_token":
		return false
	}
	return r.Method != http.MethodConnect && l.paths.Match(r.Method, r.URL.EscapedPath())
}

// byBrowser reports whether a page makes a browser ask. The relay asks nobody
// who they are and serves servers, which send none of these headers: a page of
// any site, opened on the private network, could call in the account's name.
func byBrowser(h http.Header) bool {
	for name := range h {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}

// strip takes out of a request's header what WeChat must not learn, and what
// would change the answer into something that cannot be looked at.
func strip(h http.Header) {
	for name := range h {
		if strings.HasPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "x-wx-") {
			delete(h, name)
		}
	}
	// With an Idempotency-Key, net/http would repeat a POST by itself.
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key", "Cookie", "Authorization", "Proxy-Authorization", "Forwarded", "X-Real-Ip", "Upgrade", "Connection", "Expect", "Accept-Encoding"} {
		delete(h, name)
	}
}

// statusClientLeft is logged where the client left before the answer.
const statusClientLeft = 499

// failed answers for a call that did not get to WeChat and back.
func (l *Relay) failed(w http.ResponseWriter, r *http.Request, err error) {
	c := r.Context().Value(callKey{}).(*call)
	if errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(statusClientLeft)
		return
	}
	c.outcome = outcomeError
	status, body, mend := answer.WeChat(err)
	level := zerolog.WarnLevel
	if _, ok := errors.AsType[*bodyError](err); ok {
		status, body = http.StatusBadRequest, answer.Error{Word: "invalid_request", Message: "The request body cannot be read."}
		level = zerolog.DebugLevel
	} else if status == http.StatusBadGateway {
		level = zerolog.ErrorLevel
	} else {
		w.Header().Set("Retry-After", "5")
	}
	event := l.logger.WithLevel(level).Err(err).Str("server", "relay").Str("request_id", c.id).Str("error_word", body.Word)
	if mend != "" {
		event = event.Str("mend", mend)
	}
	event.Msg("request failed")
	body.RequestID = c.id
	w.Header().Set("Cache-Control", "no-store")
	answer.JSON(w, status, body)
}

// proxyLog receives what ReverseProxy has to say besides errors.
type proxyLog struct{ logger zerolog.Logger }

func (p proxyLog) Write(line []byte) (int, error) {
	p.logger.Debug().Str("server", "relay").Str("detail", strings.TrimSpace(string(line))).Msg("proxy")
	return len(line), nil
}
