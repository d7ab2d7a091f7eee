package headers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

func TestFromBrowser(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"Origin: https://evil.example": true, "Origin: null": true, "Origin: ": true, "origin: x": true,
		"Referer: http://10.0.0.7/": true, "Referer: ": true,
		"Sec-Fetch-Site: cross-site": true, "Sec-Fetch-Site: none": true, "sec-fetch-mode: cors": true,
		"Sec-Fetch-Dest: image": true, "Sec-Fetch-User: ?1": true, "Sec-Fetch-Storage-Access: none": true,
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64)": true, "User-Agent: mozilla/4.0": true, "User-Agent: Mozilla/": true,

		"User-Agent: Go-http-client/1.1": false, "User-Agent: curl/8.9.1": false, "User-Agent: ": false,
		"User-Agent: Mozilla": false, "User-Agent: x Mozilla/5.0": false, "User-Agent: okhttp/4.12.0": false,
		"Accept: text/html": false, "Accept-Language: zh-CN": false, "X-Requested-With: XMLHttpRequest": false,
		"Sec-Fetched: x": false, "X-Origin: x": false, "Original: x": false, "Referrer: x": false, "": false,
	} {
		name, value, _ := strings.Cut(line, ": ")
		h := http.Header{}
		h.Add(name, value)
		if got := headers.FromBrowser(h); got != want {
			t.Errorf("%q: FromBrowser = %t, want %t", line, got, want)
		}
	}
	twice := http.Header{"User-Agent": {"curl/8.9.1", "Mozilla/5.0"}}
	if !headers.FromBrowser(twice) || headers.FromBrowser(nil) {
		t.Error("FromBrowser = false with two User-Agents, or true without a header")
	}
}
