package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/wechat"
)

// newHandler returns the handler that c describes.
func newHandler(t *testing.T, c admin.Config) *admin.Handler {
	t.Helper()
	h, err := admin.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func request(t *testing.T, h http.Handler, method, path string) *httptest.ResponseRecorder {
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
		{"readiness by POST", "POST", "/readyz", false, 405, "Method Not Allowed\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, admin.Config{Metrics: prometheus.NewRegistry()})
			if test.drained {
				h.Drain()
			}
			w := request(t, h, test.method, test.path)
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("%s %s = %d %q, want %d %q", test.method, test.path, w.Code, w.Body, test.status, test.body)
			}
		})
	}
}

// A cache must not respond to a probe for the process.
func TestProbesAreNotCached(t *testing.T) {
	t.Parallel()
	h := newHandler(t, admin.Config{Metrics: prometheus.NewRegistry()})
	for _, path := range []string{"/healthz", "/readyz"} {
		header := request(t, h, "GET", path).Header()
		if got := header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("GET %s: Cache-Control = %q, want no-store", path, got)
		}
		if got := header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
			t.Errorf("GET %s: Content-Type = %q, want plain text", path, got)
		}
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "planted_total", Help: "Of the test."})
	registry.MustRegister(counter)
	h := newHandler(t, admin.Config{Metrics: registry})
	counter.Add(3)
	h.Drain() // metrics are served to the end
	w := request(t, h, "GET", "/metrics")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "\nplanted_total 3\n") {
		t.Errorf("GET /metrics = %d:\n%s", w.Code, w.Body)
	}
	if strings.Contains(w.Body.String(), "go_goroutines") {
		t.Error("GET /metrics shows metrics of another registry")
	}
}

func TestDrainBesideRequests(t *testing.T) {
	t.Parallel()
	h := newHandler(t, admin.Config{Metrics: prometheus.NewRegistry()})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { request(t, h, "GET", "/readyz") })
		all.Go(h.Drain)
	}
	all.Wait()
	if w := request(t, h, "GET", "/readyz"); w.Code != 503 {
		t.Errorf("/readyz after Drain = %d, want 503", w.Code)
	}
}

func TestNewChecksFields(t *testing.T) {
	t.Parallel()
	tokens := &wechat.TokenSource{Client: &wechat.Client{}}
	tests := []struct {
		name string
		c    admin.Config
		err  string // empty: none
	}{
		{"zero value", admin.Config{}, ""},
		{"everything", admin.Config{
			Metrics: prometheus.NewRegistry(), Token: bearer, Tokens: []*wechat.TokenSource{tokens},
		}, ""},
		{"accounts without the API", admin.Config{Tokens: []*wechat.TokenSource{tokens}}, ""},
		{"API without accounts", admin.Config{Token: bearer}, "admin: Tokens: required with Token"},
		{
			"short token", admin.Config{Token: "planted-15-char", Tokens: []*wechat.TokenSource{tokens}},
			"admin: Token: expected at least 16 characters",
		},
		{"16 characters", admin.Config{Token: "0123456789abcdef", Tokens: []*wechat.TokenSource{tokens}}, ""},
		{
			"no source", admin.Config{Token: bearer, Tokens: []*wechat.TokenSource{tokens, nil}},
			"admin: Tokens[1]: expected a TokenSource with a Client",
		},
		{
			"no client", admin.Config{Token: bearer, Tokens: []*wechat.TokenSource{{}}},
			"admin: Tokens[0]: expected a TokenSource with a Client",
		},
	}
	for _, tt := range tests {
		h, err := admin.New(tt.c)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != tt.err || (h == nil) != (err != nil) {
			t.Errorf("%s: New = %v, %q, want the error %q", tt.name, h, got, tt.err)
			continue
		}
		if err == nil && request(t, h, "GET", "/healthz").Code != 200 {
			t.Errorf("%s: /healthz does not return 200", tt.name)
		}
	}
}

// A handler without metrics has no /metrics.
func TestNoMetrics(t *testing.T) {
	t.Parallel()
	if w := request(t, newHandler(t, admin.Config{}), "GET", "/metrics"); w.Code != 404 {
		t.Errorf("GET /metrics = %d, want 404", w.Code)
	}
}
