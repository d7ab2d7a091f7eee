package origin_test

import (
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway/origin"
)

func TestParseHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want, err string }{
		{in: "Shop.example.com", want: "shop.example.com"},
		{in: "shop.example.com:8080", want: "shop.example.com:8080"},
		{in: "my_app", want: "my_app"},
		{in: "127.0.0.1:8080", want: "127.0.0.1:8080"},
		{in: "[0:0:0:0:0:0:0:1]:80", want: "[::1]:80"},
		{in: "[::1]", want: "[::1]"},
		{in: "", err: "expected a host such as"},
		{in: "https://shop.example.com", err: "expected a host alone"},
		{in: "*.example.com", err: "no wildcard"},
		{in: "微信.cn", err: "xn--"},
		{in: "shop.example.com/a", err: "expected a host"},
		{in: "a b", err: "expected a host"},
		{in: "a.", err: "expected a host"},
		{in: "-a.cn", err: "expected a host"},
		{in: "1.2.3", err: "expected a host"},
		{in: "::1", err: "expected a host"},
		{in: "[127.0.0.1]", err: "expected a host"},
		{in: "[fe80::1%eth0]", err: "expected a host"},
		{in: "a:0", err: "expected a port from 1 to 65535"},
		{in: "a:080", err: "expected a port"},
		{in: "a:65536", err: "expected a port"},
		{in: "a:https", err: "expected a port"},
		{in: "a:", err: "expected a port"},
	} {
		got, err := origin.ParseHost(tt.in)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("ParseHost(%q) = %q, %v, want %q, an error with %q", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"h5.example.com":       "h5.example.com",
		"H5.Example.com:8443":  "h5.example.com",
		"h5.example.com.":      "h5.example.com",
		"h5.example.com.:443":  "h5.example.com",
		"h5.example.com:":      "h5.example.com",
		"h5.example.com..":     "h5.example.com.",
		"h5.example.com:https": "h5.example.com:https",
		"H5.example.com:1:2":   "h5.example.com:1:2",
		"127.0.0.1:80":         "127.0.0.1",
		"[::1]:8080":           "::1",
		"[2001:DB8::1]":        "2001:db8::1",
		"::1":                  "::1",
		"[::1]x":               "[::1]x",
		"[H5.example.com]:80":  "[H5.example.com]:80",
		"[127.0.0.1]":          "[127.0.0.1]",
		"":                     "",
	} {
		if got := origin.Canonical(in); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIsPort(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{
		"0": true, "80": true, "65535": true, "65536": false, "080": false, "+80": false, "-1": false, "": false, "http": false,
	} {
		if got := origin.IsPort(in); got != want {
			t.Errorf("IsPort(%q) = %t, want %t", in, got, want)
		}
	}
}

func TestIsHostname(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(strings.Repeat("a", 63)+".", 4)
	for in, want := range map[string]bool{
		"a": true, "a.b-c.d_e": true, "127.0.0.1": true, "1.a": true, long[:253]: true, long[:254] + "a": false,
		"": false, "A": false, ".": false, "a.": false, "a..b": false, "a-": false, "-a": false, "a b": false,
		"1.2.3": false, "a.1": false, "::1": false, "localhost:80": false,
	} {
		if got := origin.IsHostname(in); got != want {
			t.Errorf("IsHostname(%q) = %t, want %t", in, got, want)
		}
	}
}

func TestIsPublicSuffix(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]bool{
		"com": true, "cn": true, "com.cn": true, "gov.cn": true, "github.io": true, "localhost": true, "corp": true,
		"xn--55qx5d.cn": true, "example.com": false, "example.com.cn": false, "a.github.io": false, "h5.corp": false,
	} {
		if got := origin.IsPublicSuffix(domain); got != want {
			t.Errorf("IsPublicSuffix(%s) = %t, want %t", domain, got, want)
		}
	}
}
