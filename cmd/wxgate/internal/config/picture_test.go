package config_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// FuzzPictureURL: an accepted address is one of http, https or the site, and
// cannot end the HTML attribute or the policy that it is written into.
func FuzzPictureURL(f *testing.F) {
	for _, seed := range []string{"/static/qr.png", "https://h5.example.com/qr.png?v=2", "//evil.example/x", `/\evil`, "javascript:alert(1)", "https://x;script-src *", "/%2f/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var got config.PictureURL
		if got.UnmarshalText([]byte(in)) != nil {
			return
		}
		u, err := url.Parse(string(got))
		if err != nil || string(got) != in {
			t.Fatalf("UnmarshalText(%q) = %q, %v", in, got, err)
		}
		own := u.Scheme == "" && u.Host == "" && strings.HasPrefix(in, "/") && !strings.HasPrefix(in, "//")
		if !own && !(u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")) {
			t.Errorf("UnmarshalText(%q) takes an address of neither kind", in)
		}
		if strings.ContainsAny(in, "\\\"'<>;, \t\r\n") {
			t.Errorf("UnmarshalText(%q) takes a character that ends an attribute or a policy", in)
		}
	})
}
