package gateway

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzWithoutOldCode checks for any address that no code or state is left in its
// query as servers read it, and that all else stays.
func FuzzWithoutOldCode(f *testing.F) {
	for _, address := range []string{
		"https://h5.example.com/guest?code=a&state=b&c=%2F#/r", "/?%63ode=1&x", "/?code#?state=1",
		"?&&code&", "/?a;code=1", "/?code%=1&co+de",
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		got := withoutOldCode(address)
		beforeOf, queryOf, fragmentOf := splitAddress(address)
		before, query, fragment := splitAddress(got)
		if before != beforeOf || fragment != fragmentOf {
			t.Errorf("withoutOldCode(%q) = %q, want path and fragment kept", address, got)
		}
		values, _ := url.ParseQuery(query) // those that can be read
		if values.Has("code") || values.Has("state") {
			t.Errorf("withoutOldCode(%q) = %q, want no code and no state", address, got)
		}
		want := slices.DeleteFunc(strings.Split(queryOf, "&"), isCodeOrState)
		if strings.Join(want, "&") != query {
			t.Errorf("withoutOldCode(%q) = %q, want the other pairs kept", address, got)
		}
		if again := withoutOldCode(got); again != got {
			t.Errorf("withoutOldCode(%q) = %q, and of that %q", address, got, again)
		}
	})
}

func splitAddress(address string) (before, query, fragment string) {
	page, fragment, _ := strings.Cut(address, "#")
	before, query, _ = strings.Cut(page, "?")
	return before, query, fragment
}
