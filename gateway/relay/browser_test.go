package relay_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A page in a browser on the private network must not make calls for the account.
func TestRelayRefusesBrowsers(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil, "/cgi-bin/user/{what}")
	for _, header := range []string{
		"Origin: https://evil.example", "Origin: null",
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors",
	} {
		got := l.do("POST", "/cgi-bin/user/get", strings.NewReader("{}"), header, "Content-Type: text/plain")
		if got.status != http.StatusForbidden {
			t.Errorf("%s: %v, want 403", header, got)
		}
	}
	if got := l.wx.Requests(); len(got) != 0 {
		t.Errorf("calls of WeChat: %v, want none", got)
	}
}

// net/http may repeat a POST that has one of these headers.
func TestRelayDropsIdempotencyKeys(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	}, "/cgi-bin/tags/")
	got := l.do("POST", "/cgi-bin/tags/create", strings.NewReader("{}"), "Idempotency-Key: 1", "X-Idempotency-Key: 1")
	if got.status != http.StatusOK {
		t.Fatalf("%v, want 200", got)
	}
	h := <-seen
	if h.Get("Idempotency-Key") != "" || h.Get("X-Idempotency-Key") != "" {
		t.Errorf("WeChat sees the header %v, want no idempotency key", h)
	}
}
