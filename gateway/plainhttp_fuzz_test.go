package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzForwardedHTTP: a request counts as one by plain http only if every value that
// proxies give is "http", whatever the order of the headers.
func FuzzForwardedHTTP(f *testing.F) {
	f.Add("http", "", "")
	f.Add("http, HTTP", "http", "http://h5.example.com/")
	f.Add("https,http", "", "https://h5.example.com/")
	f.Add("", "http", "/cart")
	f.Fuzz(func(t *testing.T, first, second, original string) {
		h := http.Header{"X-Forwarded-Proto": {first, second}}
		swapped := http.Header{"X-Forwarded-Proto": {second, first}}
		got := forwardedHTTP(h)
		if got != forwardedHTTP(swapped) {
			t.Errorf("forwardedHTTP(%q) = %t, and the other way round not", h, got)
		}
		text := strings.ToLower(first + "," + second)
		if got && strings.Trim(strings.ReplaceAll(text, "http", ""), ", \t") != "" {
			t.Errorf("forwardedHTTP(%q) = true", h)
		}
		h[headerOriginalURL] = []string{original}
		scheme, _, absolute := strings.Cut(original, "://")
		if asked := askedHTTP(h); asked && (!got || absolute && scheme != "http") {
			t.Errorf("askedHTTP(%q) = true", h)
		}
	})
}
