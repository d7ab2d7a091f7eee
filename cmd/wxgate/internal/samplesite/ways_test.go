package samplesite_test

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/samplesite"
)

// The links to the demo's other hosts are shown where a browser finds those hosts: on
// the machine of the demo.
func TestWays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ host, follow, scan string }{
		{"127.0.0.1:8080", "http://follow.localhost:8080/", "http://scan.localhost:8080/"},
		{"localhost:8080", "http://follow.localhost:8080/", "http://scan.localhost:8080/"},
		{"[::1]:8080", "http://follow.localhost:8080/", "http://scan.localhost:8080/"},
		{"scan.localhost:9", "http://follow.localhost:9/", "http://scan.localhost:9/"},
		{"localhost", "http://follow.localhost/", "http://scan.localhost/"},
		{"192.168.1.5:8080", "", ""},
		{"phone.test:8080", "", ""},
		{"h5.example.com", "", ""},
		{"localhost.example.com", "", ""},
		{"localhost:x", "", ""},
	} {
		for _, path := range []string{"/", "/about"} {
			r := httptest.NewRequestWithContext(t.Context(), "GET", path, nil)
			r.Host = test.host
			w := httptest.NewRecorder()
			samplesite.Handler().ServeHTTP(w, r)
			for id, want := range map[string]string{"way-follow": test.follow, "way-scan": test.scan} {
				got := ""
				if found := regexp.MustCompile(`<a id="` + id + `" href="([^"]*)"`).FindStringSubmatch(w.Body.String()); found != nil {
					got = found[1]
				}
				if got != want {
					t.Errorf("%s at %s: %s leads to %q, want %q", path, test.host, id, got, want)
				}
			}
		}
	}
}

// No text of the Chinese pages is in English only, and none of the English ones in
// Chinese.
func TestPagesSpeakOneLanguage(t *testing.T) {
	t.Parallel()
	han := regexp.MustCompile(`\p{Han}+`)
	for _, path := range []string{"/", "/about", "/guest"} {
		body := ask(t, "GET", path+"?lang=en", "", nil).Body.String()
		for _, found := range han.FindAllString(body, -1) {
			if found != "中文" { // the link to the other language
				t.Errorf("English page %s says %q", path, found)
			}
		}
		body = ask(t, "GET", path+"?lang=zh-CN", "", nil).Body.String()
		for _, word := range []string{"您", "登陆", "帐号", "回应", "visitor", "sign"} {
			if strings.Contains(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, ""), word) {
				t.Errorf("Chinese page %s says %q", path, word)
			}
		}
	}
}
