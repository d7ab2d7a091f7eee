package samplesite_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/samplesite"
	"github.com/wxgate/wxgate/wechat/wechattest"
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
				link := regexp.MustCompile(`<a id="` + id + `" href="([^"]*)"`)
				if found := link.FindStringSubmatch(w.Body.String()); found != nil {
					got = found[1]
				}
				if got != want {
					t.Errorf("%s at %s: %s leads to %q, want %q", path, test.host, id, got, want)
				}
			}
		}
	}
}

// A visitor who does not follow has the name that the emulator's pages in that language
// show.
func TestWaysNameAVisitor(t *testing.T) {
	t.Parallel()
	emulator, err := wechattest.New(wechattest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	get := func(handler http.Handler, address, language string) string {
		r := httptest.NewRequestWithContext(t.Context(), "GET", address, nil)
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Body.String()
	}
	for language, name := range map[string]string{"zh-CN": "汤姆", "en": "Tom Brown"} {
		site := get(samplesite.Handler(), "http://localhost:8080/about", language)
		pages := get(emulator, wechattest.ControlPath, language)
		if !strings.Contains(site, name) || !strings.Contains(pages, name) {
			t.Errorf("in %s, the site names %s: %t, the emulator: %t",
				language, name, strings.Contains(site, name), strings.Contains(pages, name))
		}
	}
}

// The links lead to hosts under localhost and to no other.
func FuzzWays(f *testing.F) {
	for _, host := range []string{
		"127.0.0.1:8080", "localhost", "[::1]:80", "a.localhost:", "localhost@evil", "localhost#", "%6c:1",
	} {
		f.Add(host)
	}
	link := regexp.MustCompile(`<a id="way-[a-z]+" href="([^"]*)"`)
	own := regexp.MustCompile(`^http://(follow|scan)\.localhost(:[0-9]+)?/$`)
	f.Fuzz(func(t *testing.T, host string) {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/about", nil)
		r.Host = host
		w := httptest.NewRecorder()
		samplesite.Handler().ServeHTTP(w, r)
		for _, found := range link.FindAllStringSubmatch(w.Body.String(), -1) {
			if !own.MatchString(found[1]) {
				t.Errorf("at %q a link leads to %q", host, found[1])
			}
		}
	})
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
