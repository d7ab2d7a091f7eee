// Package admin serves the endpoints for operators: health, readiness, metrics and,
// with a bearer token, the accounts' access tokens and the revocation of sessions. Serve it on its own listener,
// which visitors cannot reach.
//
// The API refuses browsers. Health, readiness and metrics answer everybody, under
// any host: they hold no secret, and probes and people use many names.
package admin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/wechat"
)

// Config describes a [Handler]. The zero value of every field is useful.
type Config struct {
	Metrics prometheus.Gatherer // served at /metrics; nil: there is no /metrics
	// Exemplars makes /metrics serve OpenMetrics, which alone has exemplars, to clients
	// that ask for it. It writes some labels otherwise: le="1.0" instead of le="1".
	Exemplars bool

	// Token is the bearer token of the API under /v1/, see [CheckToken]; empty: there
	// is no API.
	Token wechat.Secret
	// Tokens are the access tokens that GET /v1/access_token returns, one source per
	// account. With Token at least one is required.
	Tokens []*wechat.TokenSource
	// Revocations is what POST /v1/revoke calls; nil: it responds that nothing was
	// revoked.
	Revocations Revocations
	// Ready reports whether the process is able to serve, and what else an operator
	// should know, in one line or ""; /readyz shows it. nil: it is able to.
	Ready func() (able bool, note string)
	// Logger receives the errors of the API; the zero value discards them.
	Logger zerolog.Logger
}

// Handler serves GET /healthz and /readyz, and as configured GET /metrics,
// GET /v1/access_token and POST /v1/revoke. It is safe for concurrent use; make one with [New].
type Handler struct {
	mux      *http.ServeMux
	able     func() (bool, string)
	draining atomic.Bool
}

// New returns a handler whose /readyz reports ready. An error names the field of c
// that is wrong.
func New(c Config) (*Handler, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	h := &Handler{mux: http.NewServeMux(), able: c.Ready}
	if h.able == nil {
		h.able = func() (bool, string) { return true, "" }
	}
	h.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "ok\n")
	})
	h.mux.HandleFunc("GET /readyz", h.ready)
	if c.Metrics != nil {
		options := promhttp.HandlerOpts{EnableOpenMetrics: c.Exemplars}
		h.mux.Handle("GET /metrics", promhttp.HandlerFor(c.Metrics, options))
	}
	if c.Token != "" {
		h.mux.Handle("/v1/", newAPI(c))
	}
	return h, nil
}

// check returns what is wrong with the first wrong field.
func (c Config) check() error {
	if c.Token != "" && len(c.Tokens) == 0 {
		return errors.New("admin: Tokens: required with Token")
	}
	if c.Token != "" {
		if err := CheckToken(c.Token); err != nil {
			return fmt.Errorf("admin: Token: %w", err)
		}
	}
	for i, tokens := range c.Tokens {
		if tokens == nil || tokens.Client == nil {
			return fmt.Errorf("admin: Tokens[%d]: expected a TokenSource with a Client", i)
		}
	}
	return nil
}

// CheckToken returns nil if token can be [Config.Token], and otherwise what is
// expected: at least 16 characters. The error holds nothing of the token.
func CheckToken(token wechat.Secret) error {
	if utf8.RuneCountInString(token.Reveal()) < 16 {
		return errors.New("expected at least 16 characters")
	}
	return nil
}

// ready serves /readyz.
func (h *Handler) ready(w http.ResponseWriter, _ *http.Request) {
	able, note := h.able()
	if note != "" {
		note += "\n"
	}
	switch {
	case h.draining.Load():
		text(w, http.StatusServiceUnavailable, "draining\n"+note)
	case !able:
		text(w, http.StatusServiceUnavailable, "not ready\n"+note)
	default:
		text(w, http.StatusOK, "ready\n"+note)
	}
}

// Drain makes /readyz return 503 from now on, so that a process that is about to
// end gets no new traffic.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mux.ServeHTTP(w, r)
}

// text writes a plain-text response that is not cached.
func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, body)
}
