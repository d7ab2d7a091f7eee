// Package admin answers what an operator's tools ask of a running gateway:
// whether the process is up, whether it should get traffic, and its metrics.
// It belongs on a listener of its own that visitors cannot reach.
package admin

import (
	"io"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves GET /healthz, /readyz and /metrics. It is safe for concurrent
// use; make one with [New].
type Handler struct {
	mux      *http.ServeMux
	draining atomic.Bool
}

// New returns a handler that is ready and shows the metrics of gatherer.
func New(gatherer prometheus.Gatherer) *Handler {
	h := &Handler{mux: http.NewServeMux()}
	h.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, "ok\n")
	})
	h.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if h.draining.Load() {
			answer(w, http.StatusServiceUnavailable, "draining\n")
			return
		}
		answer(w, http.StatusOK, "ready\n")
	})
	h.mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}))
	return h
}

// Drain makes /readyz answer 503 from now on, so that no new traffic is sent
// to a process that is about to end.
func (h *Handler) Drain() { h.draining.Store(true) }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mux.ServeHTTP(w, r)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text)
}
