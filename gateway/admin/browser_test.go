package admin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/wechat"
)

// A page in an operator's browser must not use the API, not even with the token.
func TestAPIRefusesBrowsers(t *testing.T) {
	t.Parallel()
	h, wx, _ := newAPI(t)
	for _, header := range []string{
		"Origin: https://evil.example", "Origin: null", "Referer: http://wxgate:9090/", "Sec-Fetch-Site: same-origin",
		"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: image", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
	} {
		for _, authorization := range []string{"Bearer " + bearer, "Bearer wrong"} {
			for _, path := range []string{"/v1/access_token", "/v1/", "/v1/revoke"} {
				w := askAs(t, h, path, "Authorization: "+authorization, header)
				if w.Code != 403 || !strings.Contains(w.Body.String(), `"error":"not_allowed"`) {
					t.Errorf("%s, %s, %s: %d %s, want 403 not_allowed", path, header, authorization, w.Code, w.Body)
				}
			}
		}
	}
	if n := len(wx.Requests()); n != 0 {
		t.Errorf("%d calls of WeChat, want none", n)
	}
	for _, header := range []string{"User-Agent: curl/8.9.1", "User-Agent: okhttp/4.12.0", "Accept: text/html"} {
		if w := askAs(t, h, "/v1/access_token", "Authorization: Bearer "+bearer, header); w.Code != 200 {
			t.Errorf("%s: %d %s, want 200", header, w.Code, w.Body)
		}
	}
}

// askAs sends a GET with the header lines.
func askAs(t *testing.T, h http.Handler, path string, lines ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// Probes, Prometheus and people with a browser reach health and metrics under any
// host: a pod's address, a service, an ingress.
func TestProbesFromAnywhere(t *testing.T) {
	t.Parallel()
	h := newHandler(t, admin.Config{
		Metrics: prometheus.NewRegistry(), Token: bearer, Tokens: []*wechat.TokenSource{{Client: &wechat.Client{}}},
	})
	for _, agent := range []string{"kube-probe/1.34", "Prometheus/3.5.0", "Mozilla/5.0 (X11; Linux x86_64)", ""} {
		for _, host := range []string{"10.1.2.3:9090", "wxgate.shop.svc:9090", "wxgate-admin.corp.example.com", ""} {
			for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
				r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
				r.Host = host
				r.Header.Set("User-Agent", agent)
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != 200 {
					t.Errorf("%s at %q by %q: %d, want 200", path, host, agent, w.Code)
				}
			}
		}
	}
}
