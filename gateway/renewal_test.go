package gateway

import (
	"net/http"
	"testing"
	"time"
)

// A session cookie is only added to answers that no shared cache keeps.
func TestMakePrivate(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	tests := []struct {
		name string
		in   http.Header
		ok   bool
		want string // Cache-Control afterwards
	}{
		{"no headers", http.Header{}, true, "private"},
		{"only a date", http.Header{"Last-Modified": {later}}, true, "private"},
		{"private already", http.Header{"Cache-Control": {"private, max-age=60"}}, true, "private, max-age=60"},
		{"not stored", http.Header{"Cache-Control": {"no-store"}}, true, "no-store"},
		{"revalidated", http.Header{"Cache-Control": {"no-cache"}}, true, "private, no-cache"},
		{"a page of a static server", http.Header{"Cache-Control": {"public, max-age=0"}}, true, "private, max-age=0"},
		{"several lines", http.Header{"Cache-Control": {"no-cache", "must-revalidate"}}, true, "private, no-cache, must-revalidate"},
		{"expired on arrival", http.Header{"Expires": {"0"}}, true, "private"},
		{"a file", http.Header{"Cache-Control": {"max-age=3600"}}, false, "max-age=3600"},
		{"a file, capitals", http.Header{"Cache-Control": {"Max-Age=3600"}}, false, "Max-Age=3600"},
		{"an immutable file", http.Header{"Cache-Control": {"immutable"}}, false, "immutable"},
		{"a file, by date", http.Header{"Expires": {later}}, false, ""},
		{"for shared caches", http.Header{"Cache-Control": {"s-maxage=60"}}, false, "s-maxage=60"},
		{"for content networks", http.Header{"Cdn-Cache-Control": {"max-age=60"}}, false, ""},
		{"for surrogates", http.Header{"Surrogate-Control": {"max-age=60"}}, false, ""},
	}
	for _, test := range tests {
		h := test.in.Clone()
		if ok := makePrivate(h); ok != test.ok || h.Get("Cache-Control") != test.want {
			t.Errorf("%s: makePrivate = %t with Cache-Control %q, want %t with %q", test.name, ok, h.Get("Cache-Control"), test.ok, test.want)
		}
	}
}
