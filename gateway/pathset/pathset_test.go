package pathset_test

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wxgate/wxgate/gateway/pathset"
)

func paths(t testing.TB, patterns ...string) *pathset.Set {
	t.Helper()
	set, err := pathset.New(patterns)
	if err != nil {
		t.Fatalf("pathset.New(%q): %v", patterns, err)
	}
	return set
}

// Nothing here may count as public, although some reader sees a public path in
// it.
func TestPublicPathBypasses(t *testing.T) {
	t.Parallel()
	set := paths(t, "/static/", "GET /news/{id}", "/favicon.ico", "/open/{$}", "/商店/")
	for _, raw := range []string{
		"", "/", "static/x", "*", "//", "http://h5.example.com/static/x", "h5.example.com/static/x",
		"/staticx", "/static", "/Static/x", "/STATIC/x", "/xstatic/", "/admin/static/x", "/favicon.ico/", "/favicon.icox", "/favicon", "/favicon%2eico",
		// dot segments
		"/static/..", "/static/../", "/static/../admin", "/static/./x", "/static/.", "/static/x/../y", "/static/x/../../admin", "/./static/x", "/x/../static/x", "/../static/x",
		"/static/%2e%2e/admin", "/static/%2E%2E/admin", "/static/.%2e/admin", "/static/%2e./admin", "/static/%2e/x", "/static/%2e%2e", "/static/a%2ejs", "/%2e%2e/static/x",
		"/static/.../admin", "/static/..%20/admin", "/static/.%20./admin", "/static/%20/x", "/static/.. /admin", "/static/....//admin",
		// encoded slashes and backslashes
		"/static%2fx", "/static%2Fx", "/static/x%2fy", "/static/..%2fadmin", "/static/..%2Fadmin", "/static%2f..%2fadmin", "/%2fstatic/x", "/static/%2f", "/static/%2e%2e%2fadmin",
		`/static\x`, `/static/\`, `/static/..\admin`, "/static/..%5cadmin", "/static/..%5Cadmin", "/static/x%5cy", "/static/%5c..%5cadmin", `\static\x`, `/\static/x`,
		// empty segments
		"//static/x", "/static//x", "/static//", "/static///", "/static/x//", "/static//../admin", "///static/x", "//h5.example.com/static/x",
		// parameters
		"/static/;/x", "/static/..;/admin", "/static/..;x=1/admin", "/static;x/y", "/static/x;jsessionid=1", "/static/x;", "/static/%3b/x", "/static/..%3b/admin", "/static/..%3B/admin", ";/static/x",
		// query and fragment within the path
		"/static/x#", "/static/x#/../../admin", "/static/x%23", "/static/%23/../admin", "/static/x%3f", "/static/%3F/admin", "/static/x?y", "/admin#/static/x", "/admin%23/static/x", "/admin?/static/x", "/admin%3f/static/x",
		// encoded twice, or badly
		"/static/%252e%252e/admin", "/static/%252e%252e%252fadmin", "/static/..%252fadmin", "/static/%255c", "/static/100%25", "/static/%25", "/static/%2525", "/static/%25%32%66",
		"/static/%", "/static/%2", "/static/%zz", "/static/%u002e%u002e/admin", "/static/%%32%65", "/static/%2%65", "/static/%-1", "/static/% 41",
		// control characters
		"/static/\x00", "/static/x%00", "/static/%00/../admin", "/static/x%00.css", "/static/%0a", "/static/%0d%0aX:y", "/static/%09", "/static/%1b", "/static/%7f", "/static/\t", "/static/x\n", "/static/\x7f",
		"/static/%c2%80", "/static/%c2%85", "/static/%C2%9F", "/static/\u0085", "/static/\u009b",
		// text that is none, overlong forms above all
		"/static/%c0%af", "/static/..%c0%afadmin", "/static/%c0%ae%c0%ae/admin", "/static/%C0%AE%C0%AE%C0%AFadmin", "/static/%e0%80%af", "/static/%e0%80%ae", "/static/%f0%80%80%af", "/static/%c1%9c",
		"/static/%ff", "/static/\xff", "/static/\xc0\xaf", "/static/%ed%a0%80", "/static/%f4%90%80%80", "/static/%e5%95", "/static/%80",
		// of patterns with wildcards
		"/news", "/news/", "/news/1/", "/news/1/2", "/news/1%2f2", "/news/..", "/news/%2e%2e", "/news/1;2", "/open", "/open/x", "/open/..", "/open//",
		// trailing-slash redirects that ServeMux makes up are no match
		"/商店", "/%E5%95%86%E5%BA%97",
		"/" + strings.Repeat("../", 1000) + "static/x",
	} {
		if set.Match(http.MethodGet, raw) {
			t.Errorf("match(GET, %q) = true, want false", raw)
		}
	}
}

func TestPublicPaths(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, method, raw string
		want                 bool
	}{
		{"/static/", "GET", "/static/", true},
		{"/static/", "GET", "/static/app.js", true},
		{"/static/", "GET", "/static/a/b/c.min.js", true},
		{"/static/", "GET", "/static/a/b/", true},
		{"/static/", "GET", "/static/.well-known", true},
		{"/static/", "GET", "/static/..app", true},
		{"/static/", "GET", "/static/app..", true},
		{"/static/", "GET", "/static/my%20file.js", true},
		{"/static/", "GET", "/static/%41pp.js", true},
		{"/static/", "GET", "/%73tatic/app.js", true},
		{"/static/", "GET", "/static/a+b", true},
		{"/static/", "GET", "/static/a%2Bb", true},
		{"/static/", "GET", "/static/a:b@c,d=e&f!$'()*~_-", true},
		{"/static/", "GET", "/static/店.png", true},
		{"/static/", "GET", "/static/%E5%BA%97.png", true},
		{"/static/", "GET", "/static/%f0%9f%98%80", true},
		{"/static/", "POST", "/static/x", true},
		{"/static/", "get", "/static/x", true},
		{"/static/", "", "/static/x", true},
		{"/static/", "CONNECT", "/static/x", true},
		{"/static/", "CONNECT", "/static", false},
		{"/static/", "CONNECT", "/static/../admin", false},
		{"/商店/", "GET", "/商店/1", true},
		{"/商店/", "GET", "/%E5%95%86%E5%BA%97/1", true},
		{"/商店/", "GET", "/%e5%95%86%e5%ba%97/", true},
		{"/商店/", "GET", "/%E5%95%86/1", false},
		{"/my%20file", "GET", "/my%20file", true},
		{"GET /news/{id}", "GET", "/news/1", true},
		{"GET /news/{id}", "HEAD", "/news/1", true},
		{"GET /news/{id}", "GET", "/news/%E5%BA%97", true},
		{"GET /news/{id}", "POST", "/news/1", false},
		{"GET /news/{id}", "DELETE", "/news/1", false},
		{"GET /news/{id}", "OPTIONS", "/news/1", false},
		{"GET /news/{id}", "get", "/news/1", false},
		{"GET /news/{id}", "CONNECT", "/news/1", false},
		{"POST /hook", "POST", "/hook", true},
		{"POST /hook", "GET", "/hook", false},
		{"HEAD /probe", "HEAD", "/probe", true},
		{"HEAD /probe", "GET", "/probe", false},
		{"GET  /spaced", "GET", "/spaced", true},
		{"/a/{rest...}", "GET", "/a/", true},
		{"/a/{rest...}", "GET", "/a/b/c", true},
		{"/a/{rest...}", "GET", "/a", false},
		{"/a/{x}/c", "GET", "/a/b/c", true},
		{"/a/{x}/c", "GET", "/a//c", false},
		{"/a/{x}/c", "GET", "/a/../c", false},
		{"/open/{$}", "GET", "/open/", true},
		{"/open/{$}", "GET", "/open/x", false},
		{"/open/{$}", "GET", "/open", false},
		{"/{$}", "GET", "/", true},
		{"/{$}", "GET", "/x", false},
		{"/", "GET", "/", true},
		{"/", "GET", "/x/y", true},
		{"/", "GET", "/x/../y", false},
		{"/", "GET", "//", false},
		{"/", "GET", "", false},
		{"/", "OPTIONS", "*", false},
	}
	for _, test := range tests {
		if got := paths(t, test.pattern).Match(test.method, test.raw); got != test.want {
			t.Errorf("pattern %q: Match(%s, %q) = %t, want %t", test.pattern, test.method, test.raw, got, test.want)
		}
	}
}

// For API paths the cautious side is the other one: whatever some reader takes
// for the path is one.
func TestAPIPaths(t *testing.T) {
	t.Parallel()
	set := paths(t, "/api/", "GET /v2/{id}")
	tests := []struct {
		method, raw string
		want        bool
	}{
		{"GET", "/api/users", true},
		{"GET", "/api/", true},
		{"GET", "/api/files/a%2Fb", true},
		{"GET", "/api/100%25", true},
		{"GET", "/api/a;v=1", true},
		{"GET", "/api//users", true},
		{"GET", "//api/users", true},
		{"GET", "/x/../api/users", true},
		{"GET", "/%2e/api/users/", true},
		{"GET", "/api/%zz", true},
		{"GET", "/api", false},
		{"GET", "/shop", false},
		{"GET", "/api/../shop", false},
		{"GET", "/v2/1", true},
		{"POST", "/v2/1", false},
		{"GET", "", false},
		{"GET", "*", false},
	}
	for _, test := range tests {
		if got := set.MayMatch(test.method, test.raw); got != test.want {
			t.Errorf("MayMatch(%s, %q) = %t, want %t", test.method, test.raw, got, test.want)
		}
	}
}

func TestNoPaths(t *testing.T) {
	t.Parallel()
	none := paths(t)
	if none.Match("GET", "/") || none.MayMatch("GET", "/") {
		t.Error("the empty set holds /")
	}
}

func TestBadPatterns(t *testing.T) {
	t.Parallel()
	for _, patterns := range [][]string{
		{""}, {" "}, {"static/"}, {"*"}, {"h5.example.com/"}, {"GET h5.example.com/static/"}, {"GET"}, {"GET "},
		{"GET\t"}, {"G@T /x"}, {"/{"}, {"/{x"}, {"/a{x}"}, {"/{x}/{x}"}, {"/{x...}/y"}, {"/{$}/x"}, {"/static/*"}, {"/*"}, {"/a", "/b*"},
		{"get /x"}, {"/x?y"}, {"/x#y"}, {"/x//"}, {"/x/../y"}, {"/x/:id"}, {"/x;y"}, {"/x%2Fy"}, {"/%2e"}, {`/x\y`}, {"/100%25"}, {"/a/.../b"},
	} {
		if set, err := pathset.New(patterns); err == nil {
			t.Errorf("pathset.New(%q) = %v, want an error", patterns, set)
		}
	}
}

// FuzzPublicPath: what counts as public is under the pattern however it is
// read: decoded, cleaned, or decoded once more.
func FuzzPublicPath(f *testing.F) {
	for _, seed := range []string{
		"/static/app.js", "/static/../admin", "/static/%2e%2e/admin", "/static/..%2fadmin", "/static//x", "/static/..;/admin", "/static/%c0%af", "/static/%252e",
		"/static/%E5%BA%97", "/static/%20", "/static/x%00", "/static/.../x", "/%73tatic/x", "//static/x", "/static/a%2ejs", "/static/x#y", `/static/..\admin`,
	} {
		f.Add(seed)
	}
	set := paths(f, "/static/")
	f.Fuzz(func(t *testing.T, raw string) {
		if !set.Match(http.MethodGet, raw) {
			return
		}
		decoded, err := url.PathUnescape(raw)
		if err != nil {
			t.Fatalf("Match(%q), which cannot be decoded: %v", raw, err)
		}
		if !strings.HasPrefix(decoded, "/static/") {
			t.Errorf("Match(%q), which decodes to %q", raw, decoded)
		}
		if clean := path.Clean(decoded); clean != strings.TrimSuffix(decoded, "/") {
			t.Errorf("Match(%q), which cleans to %q", raw, clean)
		}
		if again, err := url.PathUnescape(decoded); again != decoded {
			t.Errorf("Match(%q), which decodes to %q, then to %q (%v)", raw, decoded, again, err)
		}
		segments := strings.Split(strings.Trim(decoded, "/"), "/")
		if slices.ContainsFunc(segments, func(s string) bool { return strings.Trim(s, ". ") == "" }) && decoded != "/static/" {
			t.Errorf("Match(%q), which has the segments %q", raw, segments)
		}
		if strings.ContainsAny(decoded, `\;#?%`) || !utf8.ValidString(decoded) {
			t.Errorf("Match(%q), which decodes to %q", raw, decoded)
		}
		if !set.MayMatch(http.MethodGet, raw) {
			t.Errorf("Match(%q), but not MayMatch", raw)
		}
	})
}
