package pathset_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway/pathset"
)

// A set holds what one of its patterns holds, whatever the others are.
func TestSet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		patterns []string
		in, out  []string // requests that are in the set, and that are not
	}{
		{
			[]string{"/static/", "OPTIONS /"},
			[]string{"GET /static/a", "OPTIONS /static/a", "OPTIONS /", "OPTIONS /shop", "OPTIONS /static"},
			[]string{"GET /", "GET /shop", "POST /shop", "GET /static"},
		},
		{
			[]string{"/a", "/b", "/a", "GET /a", "GET  /a"},
			[]string{"GET /a", "POST /a", "PUT /b"},
			[]string{"GET /c", "GET /a/"},
		},
		{
			[]string{"/{a}/b", "/a/{b}"},
			[]string{"GET /a/b", "GET /x/b", "GET /a/x"},
			[]string{"GET /x/y", "GET /a", "GET /a/b/c"},
		},
		{
			[]string{"/{a}/b", "/a/{b}", "/{x}/{y}/c", "/{a}/b"},
			[]string{"GET /a/b", "GET /x/b", "GET /a/x", "GET /1/2/c"},
			[]string{"GET /x/y", "GET /1/2/d"},
		},
		{
			[]string{"GET /{x}", "/{y}", "HEAD /{z}"},
			[]string{"GET /a", "HEAD /a", "POST /a"},
			[]string{"GET /a/b", "GET /"},
		},
		// ServeMux alone would redirect these to a path with a slash.
		{
			[]string{"POST /", "/static/"},
			[]string{"POST /static", "POST /x", "GET /static/"},
			[]string{"GET /static"},
		},
		{
			[]string{"/a/", "/a/b/", "/a/{c}/d/{$}"},
			[]string{"GET /a/b", "GET /a/x/d", "GET /a/x/d/"},
			[]string{"GET /a"},
		},
		{
			[]string{"/{a}/{b...}", "/x/y/{$}"},
			[]string{"GET /x/y", "GET /x/y/", "GET /x/z", "CONNECT /x/y"},
			[]string{"GET /x", "GET /"},
		},
	} {
		set := paths(t, tt.patterns...)
		for _, list := range []struct {
			requests []string
			want     bool
		}{{tt.in, true}, {tt.out, false}} {
			for _, request := range list.requests {
				method, path, _ := strings.Cut(request, " ")
				if got := set.Match(method, path); got != list.want {
					t.Errorf("%q: Match(%s) = %t, want %t", tt.patterns, request, got, list.want)
				}
				if got := set.MayMatch(method, path); got != list.want {
					t.Errorf("%q: MayMatch(%s) = %t, want %t", tt.patterns, request, got, list.want)
				}
			}
		}
	}
}

// FuzzSet: a set matches exactly what one of the sets of a single pattern matches.
func FuzzSet(f *testing.F) {
	for _, seed := range []struct{ patterns, method, path string }{
		{"/static/,OPTIONS /", "OPTIONS", "/static"},
		{"/{a}/b,/a/{b},/a/b/", "GET", "/a/b"},
		{"POST /,/a/{$},GET /a", "HEAD", "/a"},
		{"/{x...},/{a}/{$}", "GET", "/foo"},
		{"/a,/a,GET /a", "", "/a"},
	} {
		f.Add(seed.patterns, seed.method, seed.path)
	}
	f.Fuzz(func(t *testing.T, list, method, raw string) {
		patterns := strings.Split(list, ",")
		if len(patterns) > 8 {
			return
		}
		patterns = slices.DeleteFunc(patterns, func(text string) bool {
			_, err := pathset.ParsePattern(text)
			return err != nil
		})
		set, err := pathset.New(patterns)
		if err != nil {
			t.Fatalf("New(%q): %v", patterns, err)
		}
		match, may := false, false
		for _, pattern := range patterns {
			single := paths(t, pattern)
			match = match || single.Match(method, raw)
			may = may || single.MayMatch(method, raw)
		}
		if got := set.Match(method, raw); got != match {
			t.Errorf("%q: Match(%s, %q) = %t, want %t", patterns, method, raw, got, match)
		}
		if got := set.MayMatch(method, raw); got != may {
			t.Errorf("%q: MayMatch(%s, %q) = %t, want %t", patterns, method, raw, got, may)
		}
	})
}

// BenchmarkMatch is the question of a request without a session.
func BenchmarkMatch(b *testing.B) {
	set := paths(b, "/static/", "GET /news/{id}", "/favicon.ico", "/robots.txt", "/img/")
	for _, path := range []string{"/static/app.js", "/static", "/shop/7"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set.Match("GET", path)
			}
		})
	}
}
