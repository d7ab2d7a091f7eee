package origin_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway/origin"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want origin.Origin
		err  string // part of the error; empty for none
	}{
		{in: "https://h5.example.com", want: origin.Origin{Scheme: "https", Host: "h5.example.com"}},
		{in: "HTTPS://H5.Example.COM:443/", want: origin.Origin{Scheme: "https", Host: "h5.example.com"}},
		{in: "http://localhost:80", want: origin.Origin{Scheme: "http", Host: "localhost"}},
		{in: "http://localhost:443", want: origin.Origin{Scheme: "http", Host: "localhost:443"}},
		{in: "http://127.0.0.1:8080", want: origin.Origin{Scheme: "http", Host: "127.0.0.1:8080"}},
		{in: "http://[0:0:0:0:0:0:0:1]:8080", want: origin.Origin{Scheme: "http", Host: "[::1]:8080"}},
		{in: "", err: "expected a URL that begins with http:// or https://"},
		{in: "h5.example.com", err: "expected a URL that begins with http:// or https://"},
		{in: "h2c://h5.example.com", err: "expected a URL that begins with http:// or https://"},
		{in: "https:///", err: "expected a host"},
		{in: "https://h5.example.com/app", err: "expected an origin without a path"},
		{in: "https://h5.example.com//", err: "expected an origin without a path"},
		{in: "https://h5.example.com?", err: "without query"},
		{in: "https://h5.example.com/#/", err: "fragment"},
		{in: "https://u@h5.example.com", err: "without user name"},
		{in: "https://h5.example.com\\evil.com", err: "expected a host"},
		{in: "https://h5..example.com", err: "expected a host"},
		{in: "https://h5.example.com.", err: "expected a host"},
		{in: "https://" + strings.Repeat("a", 64) + ".com", err: "expected a host"},
		{in: "https://999.1.1.1", err: "expected a host"},
		{in: "https://h5.example.com:x", err: "expected a port"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, err := origin.Parse(tt.in)
			if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Parse(%q) = %v, %v, want %v, an error with %q", tt.in, got, err, tt.want, tt.err)
			}
			var unmarshaled origin.Origin
			if again := unmarshaled.UnmarshalText([]byte(tt.in)); (again == nil) != (err == nil) || unmarshaled != tt.want {
				t.Errorf("UnmarshalText(%q) gives %v, %v, want %v, %v", tt.in, unmarshaled, again, tt.want, err)
			}
		})
	}
}

func TestZero(t *testing.T) {
	t.Parallel()
	var zero origin.Origin
	if text, err := zero.MarshalText(); !zero.IsZero() || zero.String() != "" || len(text) != 0 || err != nil {
		t.Errorf("the zero Origin: IsZero %t, String %q, MarshalText %q, %v", zero.IsZero(), zero, text, err)
	}
	if o := (origin.Origin{Scheme: "http", Host: "a.cn"}); o.IsZero() {
		t.Errorf("%v.IsZero() = true", o)
	}
}

func TestHostname(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"": "", "a.cn": "a.cn", "a.cn:8080": "a.cn", "[::1]": "::1", "[::1]:8080": "::1", "127.0.0.1:80": "127.0.0.1",
	} {
		if got := (origin.Origin{Scheme: "https", Host: host}).Hostname(); got != want {
			t.Errorf("Hostname of the host %q = %q, want %q", host, got, want)
		}
	}
}

func TestBehind(t *testing.T) {
	t.Parallel()
	o := origin.Origin{Scheme: "https", Host: "a.cn"}
	for _, tt := range []struct {
		address, rest string
		ok            bool
	}{
		{"https://a.cn", "", true},
		{"https://a.cn/", "/", true},
		{"https://a.cn/shop?q#r", "/shop?q#r", true},
		{"https://a.cn?q", "?q", true},
		{"https://a.cn#r", "#r", true},
		{"https://a.cn//b.cn", "//b.cn", true},
		{"https://a.cn.evil.com", "", false},
		{"https://a.cn@evil.com", "", false},
		{"https://a.cn:8443/", "", false},
		{"https://a.cn:443/", "", false},
		{`https://a.cn\x`, "", false},
		{"https://A.cn/", "", false},
		{"http://a.cn/", "", false},
		{"//a.cn/", "", false},
		{"/", "", false},
		{"", "", false},
	} {
		rest, ok := o.Behind(tt.address)
		if ok != tt.ok || ok && rest != tt.rest {
			t.Errorf("%v.Behind(%q) = %q, %t, want %q, %t", o, tt.address, rest, ok, tt.rest, tt.ok)
		}
	}
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want url.URL
		err  string
	}{
		{in: "H2C://Web:80", want: url.URL{Scheme: "h2c", Host: "web:80"}},
		{in: "http://web/", want: url.URL{Scheme: "http", Host: "web"}},
		{in: "http://web/a//../%41", want: url.URL{Scheme: "http", Host: "web", Path: "/a//../%41"}},
		{in: "https://web", err: "expected a URL that begins with http:// or h2c://"},
		{in: "http:/web", err: "expected a URL that begins with http:// or h2c://"},
		{in: "http://web/a@b", err: "without user name and password"},
		{in: "http://web/a?b", err: "without query and fragment"},
	} {
		got, err := origin.ParseURL(tt.in, "http", "h2c")
		switch {
		case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
			t.Errorf("ParseURL(%q) = %v, %v, want an error with %q", tt.in, got, err, tt.err)
		case tt.err == "" && (err != nil || *got != tt.want):
			t.Errorf("ParseURL(%q) = %#v, %v, want %#v", tt.in, got, err, tt.want)
		}
	}
}

// FuzzParse: an accepted text is a scheme and a host alone, and its String
// parses to the same origin.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"https://h5.example.com", "http://[::1]:8080/", "http://A:80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := origin.Parse(in)
		if err != nil {
			return
		}
		u, err := url.Parse(got.String())
		if err != nil || *u != (url.URL{Scheme: got.Scheme, Host: got.Host}) || u.Hostname() == "" {
			t.Errorf("url.Parse(%q) = %#v, %v, want a scheme and a host alone", got, u, err)
		}
		if again, err := origin.Parse(got.String()); err != nil || again != got {
			t.Errorf("Parse(%q) = %q, %v, want %q", got.String(), again, err, got)
		}
	})
}
