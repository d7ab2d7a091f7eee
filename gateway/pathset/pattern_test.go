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
		star   = "a * matches nothing but itself; /static/ covers everything below it, {name} one segment"
		colon  = "a : at the beginning of a segment matches nothing but itself; write {id} for any segment"
		two    = "matches nothing: a path with ; \\ % # ? or an encoded / or . in it can be read in two ways"
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
		{in: "/my%20file", want: "/my%20file"},
		{in: "/a:b", want: "/a:b"},
		{in: "/static/*", err: star},
		{in: "/*", err: star},
		{in: "*", err: path},
		{in: "GET /static/*.js", err: star},
		{in: "/{*}", err: star},
		{in: "/static/**", err: star},
		{in: "/news/:id", err: colon},
		{in: "GET /:lang/news/", err: colon},
		{in: "/a;b", err: two},
		{in: "/a%3Bb", err: two},
		{in: "/a%2Fb", err: two},
		{in: "/a%2eb", err: two},
		{in: "/a/%2e%2e/b", err: two},
		{in: `/a\b`, err: two},
		{in: "/100%25", err: two},
		{in: "/a%3fb", err: two},
		{in: "/a%zz", err: two},
		{in: "/a%00", err: two},
		{in: "/a/.../b", err: two},
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
