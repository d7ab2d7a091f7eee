package pages

import (
	"strings"
	"testing"
)

func TestPagesPolicyNamesOtherOrigins(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	for _, c := range []struct {
		name, address, want string // want: what follows 'self' or data:
	}{
		{"nothing", "", ""},
		{"path", "/shop", ""},
		{"origin", "https://shop2.example.com/back?a=1", " https://shop2.example.com"},
		{"port", "http://127.0.0.1:8080/back", " http://127.0.0.1:8080"},
		{"user info", "https://a:b@shop2.example.com/", " https://shop2.example.com"},
		{"no host", "https:///back", ""},
		{"other scheme", "ftp://shop2.example.com/", ""},
		{"wildcard", "https://*.example.com/", ""},
		{"second directive", "https://a.example;script-src/", ""},
		{"second policy", "https://a.example,b/", ""},
		{"unreadable", "https://a.example:port/", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			policy := func(name Name, data Data) string {
				return showPage(t, p, 200, name, "en", data).Header().Get("Content-Security-Policy")
			}
			want := "; img-src 'self' data:" + c.want + "; form-action"
			if got := policy(Follow, Data{FollowQR: c.address}); !strings.Contains(got, want) {
				t.Errorf("picture %q: policy = %q, want %q in it", c.address, got, want)
			}
			want = "; img-src 'self' data:; form-action 'self'" + c.want + "; "
			if got := policy(SignOut, Data{ReturnTo: c.address}); !strings.Contains(got, want) {
				t.Errorf("return_to %q: policy = %q, want %q in it", c.address, got, want)
			}
		})
	}
}
