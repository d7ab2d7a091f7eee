package config_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

func upstream(prefix, scheme, host, path string) config.Upstream {
	return config.Upstream{Prefix: prefix, URL: &url.URL{Scheme: scheme, Host: host, Path: path}}
}

func TestUpstreams(t *testing.T) {
	t.Parallel()
	testTexts(t, []text[config.Upstreams]{
		{in: "http://web:80", want: config.Upstreams{upstream("/", "http", "web:80", "")}},
		{in: " HTTPS://Web.Example.com/ ", want: config.Upstreams{upstream("/", "https", "web.example.com", "")}},
		{in: "h2c://[::1]:50051", want: config.Upstreams{upstream("/", "h2c", "[::1]:50051", "")}},
		{in: "http://my_app", want: config.Upstreams{upstream("/", "http", "my_app", "")}},
		{in: "unix:///run/web@1.sock", want: config.Upstreams{upstream("/", "unix", "", "/run/web@1.sock")}},
		{in: "/=http://web:80,/api/=http://api:8080", want: config.Upstreams{
			upstream("/", "http", "web:80", ""), upstream("/api/", "http", "api:8080", ""),
		}},
		{in: "/api = unix:///run/api=1.sock , / = http://web", want: config.Upstreams{
			upstream("/api", "unix", "", "/run/api=1.sock"), upstream("/", "http", "web", ""),
		}},

		{in: "web:80", err: "expected a URL that begins with http:// or https:// or h2c:// or unix://"},
		{in: "ftp://web", err: "expected a URL that begins with http://"},
		{in: "http://", err: "expected a host"},
		{in: "http://a b", err: "expected a host"},
		{in: "http://*.example.com", err: "no wildcard"},
		{in: "http://微信.cn", err: "xn--"},
		{in: "http://%77eb", err: "expected a host"},
		{in: "http://1.2.3", err: "expected a host"},
		{in: "http://::1", err: "expected a host"},
		{in: "http://[127.0.0.1]", err: "expected a host"},
		{in: "http://[fe80::1%25eth0]", err: "expected a host"},
		{in: "http://-web", err: "expected a host"},
		{in: "http://web:", err: "expected a port"},
		{in: "http://web:0", err: "expected a port"},
		{in: "http://web:080", err: "expected a port"},
		{in: "http://web:65536", err: "expected a port"},
		{in: "http://u:p@web", err: "without user name and password"},
		{in: "http://web/app", err: "without a path"},
		{in: "http://web//", err: "without a path"},
		{in: "http://web?a", err: "without query"},
		{in: "http://web?", err: "without query"},
		{in: "http://web#", err: "without query"},
		{in: "unix://run/web.sock", err: "absolute path of a socket"},
		{in: "unix:///", err: "absolute path of a socket"},
		{in: "unix:///run/../web.sock", err: "absolute path of a socket"},
		{in: "unix:///run/a b.sock", err: "absolute path of a socket"},
		{in: "unix:///run/a%20b.sock", err: "absolute path of a socket"},
		{in: "unix:///run/web.sock?a", err: "absolute path of a socket"},

		{in: "http://a,http://b", err: "item 1 of the list: expected path=URL"},
		{in: "/=http://web,", err: "item 2 of the list is empty"},
		{in: "/=http://web,api=http://api", err: "item 2 of the list: expected path=URL"},
		{in: "/=http://web,/a/../b=http://api", err: "item 2 of the list: expected a clean path"},
		{in: "/=http://web,/a//=http://api", err: "item 2 of the list: expected a clean path"},
		{in: "/=http://web,/%61=http://api", err: "item 2 of the list: expected a clean path"},
		{in: "/=http://web,/=http://api", err: "the path / is in the list twice"},
		{in: "/=http://web,/api=http://a,/api/=http://b", err: "the path /api/ is in the list twice"},
		{in: "/api/=http://api", err: "expected an upstream for the path / too"},
		{in: "/=http://web,//=http://api", err: "item 2 of the list: expected a clean path of letters, digits and . _ ~ - / before the =, such as /api/"},
		{in: "//=http://web", err: "item 1 of the list: expected a clean path"},
		{in: "/=http://web;/api/=http://api", err: "item 1 of the list: expected one URL; separate the upstreams by commas"},
		{in: "/=http://web /api/=http://api", err: "item 1 of the list: expected one URL; separate the upstreams by commas"},
		{in: "/a=http://a,/a/=http://b,x", err: "item 3 of the list: expected path=URL, such as /api/=http://api:8080; the path /a/ is in the list twice; expected an upstream for the path / too"},
	})
}

func FuzzUpstreams(f *testing.F) {
	for _, seed := range []string{"http://web:80", "/=http://web:80,/api/=h2c://[::1]:8080", "unix:///run/a.sock", "/=unix:///a=b, /x=https://y/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var got config.Upstreams
		if got.UnmarshalText([]byte(in)) != nil {
			return
		}
		if !slices.ContainsFunc(got, func(u config.Upstream) bool { return u.Prefix == "/" }) {
			t.Errorf("UnmarshalText(%q) = %q, without an upstream for /", in, got)
		}
		for _, u := range got {
			checkUpstreamURL(t, u.URL)
		}
		var again config.Upstreams
		if err := again.UnmarshalText([]byte(got.String())); err != nil || !cmp.Equal(again, got) {
			t.Errorf("UnmarshalText(%q) = %q, %v, want %q", got.String(), again, err, got)
		}
	})
}

// checkUpstreamURL checks that a URL has a scheme and a host alone, or unix and a
// path alone, and that it is the same when it is parsed again.
func checkUpstreamURL(t *testing.T, u *url.URL) {
	t.Helper()
	if !slices.Contains([]string{"http", "https", "h2c", "unix"}, u.Scheme) {
		t.Errorf("the URL %#v has the scheme %q", u, u.Scheme)
	}
	unix := u.Scheme == "unix"
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Path != "") != unix || (u.Host == "") != unix {
		t.Errorf("the URL %#v has parts that an upstream must not have", u)
	}
	if parsed, err := url.Parse(u.String()); err != nil || *parsed != *u {
		t.Errorf("url.Parse(%q) = %#v, %v, want %#v", u, parsed, err, u)
	}
}
