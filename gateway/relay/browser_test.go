package relay_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A page of any site must not call in the account's name by way of a browser
// on the private network.
func TestRelayRefusesBrowsers(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil, "/cgi-bin/user/{what}")
	for _, header := range []string{"Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors"} {
		if got := l.do("POST", "/cgi-bin/user/get", strings.NewReader("{}"), header, "Content-Type: text/plain"); got.status != http.StatusForbidden {
			t.Errorf("%s: %v, want 403", header, got)
		}
	}
	if got := l.wx.Requests(); len(got) != 0 {
		t.Errorf("WeChat is asked: %v", got)
	}
}

// net/http repeats a POST by itself that says it may be repeated.
func TestRelayDropsIdempotencyKeys(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	}, "/cgi-bin/tags/")
	if got := l.do("POST", "/cgi-bin/tags/create", strings.NewReader("{}"), "Idempotency-Key: 1", "X-Idempotency-Key: 1"); got.status != http.StatusOK {
		t.Fatalf("%v, want 200", got)
	}
	h := <-seen
	if h.Get("Idempotency-Key") != "" || h.Get("X-Idempotency-Key") != "" {
		t.Errorf("WeChat's side sees %v", h)
	}
}
