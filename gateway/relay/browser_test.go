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
		"Origin: https://evil.example", "Origin: null", "Origin: ",
		"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image",
		"Referer: http://evil.example/", "Referer: ",
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "User-Agent: mozilla/4.0",
	} {
		for _, method := range []string{"GET", "POST"} {
			got := l.do(method, "/cgi-bin/user/get", strings.NewReader("{}"), header, "Content-Type: text/plain")
			if got.status != http.StatusForbidden || !strings.Contains(got.body, `"error":"not_allowed"`) ||
				strings.Contains(got.body, "WXGATE_RELAY_PATHS") || strings.Contains(got.body, "evil") {
				t.Errorf("%s, %s: %v, want 403 that names the browser", method, header, got)
			}
		}
	}
	if got := l.wx.Requests(); len(got) != 0 {
		t.Errorf("calls of WeChat: %v, want none", got)
	}
	for _, header := range []string{"User-Agent: okhttp/4.12.0", "User-Agent: x Mozilla/5.0", "Accept-Language: zh-CN"} {
		if got := l.do("GET", "/cgi-bin/user/get", nil, header); got.status != http.StatusOK {
			t.Errorf("%s: %v, want 200", header, got)
		}
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
