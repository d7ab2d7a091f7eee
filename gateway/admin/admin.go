// Package admin serves an operator's tools: whether the process is up, whether it
// should get traffic, its metrics, and, with a bearer token, the account's access
// token. Serve it on a listener of its own that visitors cannot reach.
package admin

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/wechat"
)

// Config describes a [Handler]. Metrics is required.
type Config struct {
	Metrics prometheus.Gatherer // what GET /metrics shows

	// Token is the bearer token of the API under /v1/; empty: there is no such API.
	Token wechat.Secret
	// Tokens are what GET /v1/access_token returns, one for each account; at least
	// one is required with Token.
	Tokens []*wechat.TokenSource
	// Logger receives failures of that API; the zero value discards them.
	Logger zerolog.Logger
}

// Handler serves GET /healthz, /readyz and /metrics, and with a token GET
// /v1/access_token. It is safe for concurrent use; make one with [New].
type Handler struct {
	mux      *http.ServeMux
	draining atomic.Bool
}

// New returns a handler that is ready.
func New(c Config) *Handler {
	h := &Handler{mux: http.NewServeMux()}
	h.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "ok\n")
	})
	h.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if h.draining.Load() {
			text(w, http.StatusServiceUnavailable, "draining\n")
			return
		}
		text(w, http.StatusOK, "ready\n")
	})
	h.mux.Handle("GET /metrics", promhttp.HandlerFor(c.Metrics, promhttp.HandlerOpts{}))
	if c.Token != "" {
		h.mux.Handle("/v1/", newAPI(c))
	}
	return h
}

// Drain makes /readyz answer 503 from now on, so that a process that is about to
// end gets no new traffic.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mux.ServeHTTP(w, r)
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, body)
}
