package pathset_test

import (
	"testing"

	"github.com/wxgate/wxgate/gateway/pathset"
)

func TestParsePattern(t *testing.T) {
	t.Parallel()
	const (
		path   = "expected a path that begins with /, with or without a method before it, such as /static/ or GET /news/{id}; hosts are not matched"
		method = "expected the method in capital letters, such as GET /news/{id}"
		clean  = "expected a clean path: one with //, . or .. matches nothing"
		query  = "expected a path alone: query and fragment take no part"
	)
	for _, tt := range []struct{ in, want, err string }{
		{in: "/static/", want: "/static/"},
		{in: "GET  /news/{id} ", want: "GET /news/{id}"},
		{in: "/{$}", want: "/{$}"},
		{in: "/a/{rest...}", want: "/a/{rest...}"},
		{in: "", err: path},
		{in: "static", err: path},
		{in: "GET", err: path},
		{in: "example.com/", err: path},
		{in: "GET example.com/", err: path},
		{in: "GET\t/a", err: path},
		{in: "get /a", err: method},
		{in: "G@T /a", err: method},
		{in: "/a?b=c", err: query},
		{in: "/a#b", err: query},
		{in: "/a/../b", err: clean},
		{in: "/a//", err: clean},
		{in: "/{id", err: "at offset 1: bad wildcard segment (must end with '}')"},
		{in: "/{a}/{a}", err: `at offset 5: duplicate wildcard name "a"`},
	} {
		got, err := pathset.ParsePattern(tt.in)
		switch {
		case tt.err == "" && (err != nil || got != tt.want):
			t.Errorf("ParsePattern(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		case tt.err != "" && (err == nil || err.Error() != tt.err):
			t.Errorf("ParsePattern(%q) = %q, %v, want the error %s", tt.in, got, err, tt.err)
		}
	}
}

func TestConflict(t *testing.T) {
	t.Parallel()
	const same = " of the list match the same requests, and neither is more specific; drop or narrow one"
	for _, tt := range []struct {
		patterns []string
		want     string
	}{
		{[]string{"/a", "/b", "/a"}, "items 1 and 3" + same},
		{[]string{"/", "/{a}/b", "/b/{a}"}, "items 2 and 3" + same},
		{[]string{"GET /a", "GET  /a"}, "items 1 and 2" + same},
		{[]string{"/a", "b"}, `pattern "b": expected a path that begins with /, with or without a method before it, such as /static/ or GET /news/{id}; hosts are not matched`},
	} {
		if set, err := pathset.New(tt.patterns); err == nil || err.Error() != tt.want {
			t.Errorf("New(%q) = %v, %v, want the error %s", tt.patterns, set, err, tt.want)
		}
	}
}
