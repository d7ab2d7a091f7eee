package gateway_test

import (
	"strings"
	"testing"
)

func TestPathAndQueryByteForByte(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	targets := []string{
		"/", "/a%2Fb", "/a%2fb", "/a|b", "/中文/页", "/%E4%B8%AD", "//x", "//x//y", "/x//y", "/a/../b", "/./a", "/a/.", "/%41", "/%2e%2e/x",
		"/a;b=1/c", "/a\"<>^`{}b", "/a\\b", "/a%00b", "/a:b@c!$&'()*+,=", "/%C3%28", "/\xff", "/a#b", "/*",
		"/?a=1;b=2", "/?%zz", "/?", "/a?b?c", "/?a=中文", "/?a=%E4%b8%ad&&=&a", "/?a=b+c%20d", "/?url=https://h5.example.com/?x=1#/r",
		"//x?", "//x?%zz;", "/a|b?c|d",
		"/" + strings.Repeat("long", 1000),
	}
	for _, target := range targets {
		e := echoOf(t, rig.ask(t, "GET "+target+" HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t)))
		if e.Target != target {
			t.Errorf("the site got %q, want %q", e.Target, target)
		}
	}
}

func TestRequestTargetForms(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site)
	tests := []struct {
		line   string
		status int
		target string // in the request to the site; empty: there is none
	}{
		{"GET http://h5.example.com/a%2Fb?c=1;d HTTP/1.1", 200, "/a%2Fb?c=1;d"},
		{"GET http://other.example/a HTTP/1.1", 200, "/a"},
		{"GET * HTTP/1.1", 400, ""},
		{"GET a HTTP/1.1", 400, ""},
		{"CONNECT h5.example.com:443 HTTP/1.1", 405, ""},
		{"CONNECT /a HTTP/1.1", 405, ""},
		{"TRACE /a HTTP/1.1", 405, ""},
		{"BREW /a HTTP/1.1", 200, "/a"},
		{"PROPFIND /a HTTP/1.1", 200, "/a"},
	}
	for _, test := range tests {
		before := site.hits.Load()
		a := rig.ask(t, test.line, "Host: "+rigHost, "Cookie: "+signedIn(t))
		if a.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.line, a.StatusCode, test.status)
			continue
		}
		if test.target == "" {
			if site.hits.Load() != before {
				t.Errorf("%s: reached the site", test.line)
			}
		} else if e := echoOf(t, a); e.Target != test.target || e.Method != strings.Fields(test.line)[0] {
			t.Errorf("%s: the site saw %s %q, want the same method and %q", test.line, e.Method, e.Target, test.target)
		}
	}
}

func TestMethodsAndBodies(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"} {
		for _, body := range []string{"", "a=1&b=中"} {
			e := echoOf(t, rig.send(t, rig.newRequest(t, method, "/form", strings.NewReader(body), "Cookie", signedIn(t))))
			if e.Method != method || e.Body != body {
				t.Errorf("the site saw %s with %q, want %s with %q", e.Method, e.Body, method, body)
			}
		}
	}
	if a := rig.do(t, "HEAD", "/form", "Cookie", signedIn(t)); a.StatusCode != 200 || a.body != "" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("HEAD = %d %q %v, want 200, no body, the site's header", a.StatusCode, a.body, a.Header)
	}
}
