package main_test

import (
	"strings"
	"syscall"
	"testing"
)

// A site may have its own paths without an access line. Hosts of no site have those of
// all sites.
func TestServeAccessLogSkip(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello), "WXGATE_PUBLIC_URL=",
		"WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com",
		"WXGATE_ACCESS_LOG_SKIP=/healthz,/probe/", "WXGATE_SITES_1_ACCESS_LOG_SKIP=GET /ping"))
	address := "http://" + p.listening("gateway")
	for _, tt := range []struct {
		host, target string
		skipped      bool
	}{
		{"a.example.com", "/healthz", true},
		{"a.example.com", "/probe/x", true},
		{"a.example.com", "/ping", false},
		{"b.example.com", "/ping", true},
		{"b.example.com", "/healthz", false},
		{"10.0.0.7", "/healthz", true},
		{"10.0.0.7", "/ping", false},
	} {
		at(t, address, tt.host, tt.target)
	}
	_, metrics := get(t, "http://"+p.listening("admin")+"/metrics")
	want := `wxgate_http_requests_total{code="200",outcome="public",site="a.example.com"} 3`
	if !strings.Contains(metrics, want) {
		t.Errorf("metrics\n%s, want %s: all requests count", metrics, want)
	}
	p.signal(syscall.SIGTERM)
	p.exit()
	var got []string
	for line := range strings.Lines(p.stdout.String()) {
		if strings.Contains(line, `"message":"request"`) {
			_, host, _ := strings.Cut(line, `"host":"`)
			host, _, _ = strings.Cut(host, `","status"`)
			got = append(got, strings.Replace(host, `","path":"`, "", 1))
		}
	}
	want = "a.example.com/ping b.example.com/healthz 10.0.0.7/ping"
	if strings.Join(got, " ") != want {
		t.Errorf("access lines of %q, want %s", got, want)
	}
}
