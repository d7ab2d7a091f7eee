package relay_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/wechat"
)

// The series are there before the first call, and have the label site if it is set.
func TestRelayMetricsFromTheStart(t *testing.T) {
	t.Parallel()
	for site, label := range map[string]string{"": "", "none": `,site="none"`} {
		registry := prometheus.NewRegistry()
		r, err := relay.New(relay.Config{
			Tokens:  &wechat.TokenSource{Client: &wechat.Client{AppID: "wx"}},
			Paths:   []string{"/x"},
			Metrics: registry, Site: site,
		})
		if err != nil {
			t.Fatal(err)
		}
		metrics := func() string {
			w := httptest.NewRecorder()
			q := httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil)
			promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, q)
			return w.Body.String()
		}
		start := metrics()
		for _, want := range []string{
			`wxgate_relay_requests_total{code="200",outcome="proxied"` + label + `} 0`,
			`wxgate_relay_requests_total{code="403",outcome="forbidden"` + label + `} 0`,
			`wxgate_relay_requests_total{code="421",outcome="error"` + label + `} 0`,
			`wxgate_relay_requests_total{code="503",outcome="error"` + label + `} 0`,
			`wxgate_relay_request_duration_seconds_count{outcome="error"} 0`,
		} {
			if !strings.Contains(start, want+"\n") {
				t.Errorf("site %q: metrics at the start\n%s, want %s", site, start, want)
			}
		}
		q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/y", nil)
		q.Host = "localhost"
		r.ServeHTTP(httptest.NewRecorder(), q)
		want := `wxgate_relay_requests_total{code="403",outcome="forbidden"` + label + `} 1`
		if !strings.Contains(metrics(), want) {
			t.Errorf("site %q: metrics after a refusal\n%s, want %s", site, metrics(), want)
		}
	}
}
