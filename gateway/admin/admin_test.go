package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/admin"
)

func ask(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, nil))
	return w
}

func TestHandler(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		drained            bool
		status             int
		body               string
	}{
		{"up", "GET", "/healthz", false, 200, "ok\n"},
		{"ready", "GET", "/readyz", false, 200, "ready\n"},
		{"up while draining", "GET", "/healthz", true, 200, "ok\n"},
		{"not ready while draining", "GET", "/readyz", true, 503, "draining\n"},
		{"a probe by HEAD", "HEAD", "/readyz", true, 503, "draining\n"}, // whose body net/http drops
		{"nothing at the root", "GET", "/", false, 404, "404 page not found\n"},
		{"nothing below", "GET", "/healthz/x", false, 404, "404 page not found\n"},
		{"readiness is not to be set", "POST", "/readyz", false, 405, "Method Not Allowed\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := admin.New(admin.Config{Metrics: prometheus.NewRegistry()})
			if test.drained {
				h.Drain()
			}
			w := ask(t, h, test.method, test.path)
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("%s %s = %d %q, want %d %q", test.method, test.path, w.Code, w.Body, test.status, test.body)
			}
		})
	}
}

// A cache between a probe and the process must not answer for it.
func TestProbesAreNotCached(t *testing.T) {
	t.Parallel()
	h := admin.New(admin.Config{Metrics: prometheus.NewRegistry()})
	for _, path := range []string{"/healthz", "/readyz"} {
		header := ask(t, h, "GET", path).Header()
		if got := header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("GET %s: Cache-Control = %q, want no-store", path, got)
		}
		if got := header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("GET %s: Content-Type = %q, want plain text", path, got)
		}
	}
}

func TestMetricsAreTheRegistrys(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "planted_total", Help: "Of the test."})
	registry.MustRegister(counter)
	h := admin.New(admin.Config{Metrics: registry})
	counter.Add(3)
	h.Drain() // the last numbers are still to be had
	w := ask(t, h, "GET", "/metrics")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "\nplanted_total 3\n") {
		t.Errorf("GET /metrics = %d:\n%s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "go_goroutines") {
		t.Error("GET /metrics shows metrics of another registry")
	}
}

func TestDrainBesideRequests(t *testing.T) {
	t.Parallel()
	h := admin.New(admin.Config{Metrics: prometheus.NewRegistry()})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { ask(t, h, "GET", "/readyz") })
		all.Go(h.Drain)
	}
	all.Wait()
	if w := ask(t, h, "GET", "/readyz"); w.Code != 503 {
		t.Errorf("/readyz after Drain = %d, want 503", w.Code)
	}
}
