package gateway

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
)

// returnAddresses are the addresses of a site at https://h5.example.com with two
// return hosts.
func returnAddresses(t testing.TB) *addresses {
	t.Helper()
	return testAddresses(t, Site{PublicURL: "https://h5.example.com", ReturnHosts: []string{"M.example.com", "dev.example.com:8443"}})
}

// testAddresses are the addresses of the site that c describes.
func testAddresses(t testing.TB, c Site) *addresses {
	t.Helper()
	var errs fieldErrors
	a := newAddresses(c, "/_wx", &errs)
	if errs.fields != nil {
		t.Fatal(errs.fields)
	}
	return &a
}

// readAddresses returns the addresses in a file with one Go string a line.
func readAddresses(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var addresses []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		address, err := strconv.Unquote(line)
		if err != nil {
			t.Fatalf("%s: %s: %v", file, line, err)
		}
		addresses = append(addresses, address)
	}
	if len(addresses) == 0 {
		t.Fatalf("%s holds no address", file)
	}
	return addresses
}

func TestReturnToRefuses(t *testing.T) {
	t.Parallel()
	g := returnAddresses(t)
	tooLong := []string{
		"/" + strings.Repeat("a", session.MaxReturnTo),
		"/" + strings.Repeat("店", session.MaxReturnTo/9+1),
		"https://h5.example.com/" + strings.Repeat("a", session.MaxReturnTo),
	}
	for _, raw := range append(readAddresses(t, "testdata/returnto/refused.txt"), tooLong...) {
		if got := g.returnTo(raw); got != "/" {
			t.Errorf("returnTo(%q) = %q, want %q", raw, got, "/")
		}
	}
}

func TestReturnToKeeps(t *testing.T) {
	t.Parallel()
	g := returnAddresses(t)
	longest := "/" + strings.Repeat("a", session.MaxReturnTo-1)
	for _, raw := range append(readAddresses(t, "testdata/returnto/kept.txt"), longest) {
		if got := g.returnTo(raw); got != raw {
			t.Errorf("returnTo(%q) = %q, want it as it is", raw, got)
		}
	}
}

func TestReturnToEncodes(t *testing.T) {
	t.Parallel()
	g := returnAddresses(t)
	tests := []struct{ in, want string }{
		{"/商店", "/%E5%95%86%E5%BA%97"},
		{"/?q=商 店", "/?q=%E5%95%86%20%E5%BA%97"},
		{"/#/路", "/#/%E8%B7%AF"},
		{"/😀", "/%F0%9F%98%80"},
		{"/shop ", "/shop%20"},
		{"/a\u2028b", "/a%E2%80%A8b"},
		{"/\u3000/evil.example", "/%E3%80%80/evil.example"},
		{"/／evil.example", "/%EF%BC%8Fevil.example"},
		{"https://h5.example.com/商", "https://h5.example.com/%E5%95%86"},
		{"/shop?x#" + strings.Repeat("a", session.MaxReturnTo), "/shop?x"},
		{"https://h5.example.com/shop#/" + strings.Repeat("a", session.MaxReturnTo), "https://h5.example.com/shop"},
		{"//evil.example#" + strings.Repeat("a", session.MaxReturnTo), "/"},
	}
	for _, test := range tests {
		if got := g.returnTo(test.in); got != test.want {
			t.Errorf("returnTo(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

// A redirect may lead from http to https, but not back.
func TestReturnToScheme(t *testing.T) {
	t.Parallel()
	g := testAddresses(t, Site{PublicURL: "http://127.0.0.1:8080", ReturnHosts: []string{"m.example.com"}})
	tests := []struct{ in, want string }{
		{"http://127.0.0.1:8080/shop", "http://127.0.0.1:8080/shop"},
		{"https://127.0.0.1:8080/shop", "https://127.0.0.1:8080/shop"},
		{"http://m.example.com/", "http://m.example.com/"},
		{"http://127.0.0.1/shop", "/"},
		{"ws://127.0.0.1:8080/shop", "/"},
	}
	for _, test := range tests {
		if got := g.returnTo(test.in); got != test.want {
			t.Errorf("returnTo(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestReturnTarget(t *testing.T) {
	t.Parallel()
	g := returnAddresses(t)
	g.cookieDomain = "example.com"
	tests := []struct{ name, host, target, want string }{
		{"own host", "h5.example.com", "/shop?q=a+b", "/shop?q=a+b"},
		{"own host, capitals", "H5.Example.com", "/shop", "/shop"},
		{"further host", "M.example.com", "/shop?x", "https://m.example.com/shop?x"},
		{"further host, two slashes", "m.example.com", "//evil.example", "https://m.example.com//evil.example"},
		{"unknown host", "evil.example", "/shop", "/shop"},
		{"two slashes", "h5.example.com", "//shop/7?a=b", "https://h5.example.com//shop/7?a=b"},
		{"another host's name", "h5.example.com", "//evil.example/", "https://h5.example.com//evil.example/"},
		{"two slashes, unknown host", "evil.example", "//shop", "https://h5.example.com//shop"},
		{"slashes alone", "h5.example.com", "///", "https://h5.example.com///"},
		{"two slashes before the query", "h5.example.com", "//?x", "https://h5.example.com//?x"},
		{"encoded slash", "h5.example.com", "/%2f/x", "https://h5.example.com/%2f/x"},
		{"encoded backslash", "h5.example.com", "/%5cx", "https://h5.example.com/%5cx"},
		{"two slashes behind dots", "h5.example.com", "/a/..//x", "https://h5.example.com/a/..//x"},
		{"two slashes, characters to encode", "h5.example.com", "//商店", "https://h5.example.com//%E5%95%86%E5%BA%97"},
		{"slashes in the query", "h5.example.com", "/?//x", "/?//x"},
		{"backslash", "h5.example.com", `/\x`, "/"},
		{"two slashes, backslash", "h5.example.com", `//\x`, "/"},
		{"two slashes, control character", "h5.example.com", "//\tx", "/"},
		{"two slashes, no UTF-8", "h5.example.com", "//\xff", "/"},
		{"two slashes, login", "h5.example.com", "//_wx/login?return_to=/x", "/"},
		{"encoded slash, login", "h5.example.com", "/%2f_wx%2flogin", "/"},
		{"two slashes behind dots, callback", "h5.example.com", "/x/..//_wx/callback?code=a", "/"},
		{"two slashes, too long", "h5.example.com", "//" + strings.Repeat("a", session.MaxReturnTo), "/"},
		{"absolute form", "h5.example.com", "http://evil.example/x", "/"},
		{"asterisk", "h5.example.com", "*", "/"},
		{"none", "h5.example.com", "", "/"},
	}
	for _, test := range tests {
		r := &http.Request{Host: test.host, RequestURI: test.target}
		if got := g.returnTarget(r); got != test.want {
			t.Errorf("%s: %q at %q: return to %q, want %q", test.name, test.target, test.host, got, test.want)
		}
	}
	// Without a session at that host, the way back would lead to the login again.
	for _, domain := range []string{"", "h5.example.com", "ample.com"} {
		g.cookieDomain = domain
		if got := g.returnTarget(&http.Request{Host: "m.example.com", RequestURI: "/shop"}); got != "/shop" {
			t.Errorf("cookie domain %q: return to %q, want %q", domain, got, "/shop")
		}
	}
}

func TestCallingPage(t *testing.T) {
	t.Parallel()
	g := returnAddresses(t)
	tests := []struct{ referer, want string }{
		{"https://h5.example.com/shop?x=1", "https://h5.example.com/shop?x=1"},
		{"https://m.example.com/", "https://m.example.com/"},
		{"https://evil.example/", ""},
		{"http://h5.example.com/", ""},
		{"/shop", ""},
		{`https://h5.example.com/a\b`, "/"},
		{"", ""},
	}
	for _, test := range tests {
		r := httptest.NewRequest(http.MethodPost, "/api", nil)
		r.Header.Set("Referer", test.referer)
		if got := g.callingPage(r); got != test.want {
			t.Errorf("callingPage with Referer %q = %q, want %q", test.referer, got, test.want)
		}
	}
}

// FuzzReturnTo checks for any input that a header can hold the result, that the
// result has at most session.MaxReturnTo bytes and that returnTo does not change
// it again. deploy/browser checks that a browser stays on the site with it.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{
		"/", "/shop?q=a+b#/r", "//evil.example", `/\evil.example`, "/%2f%5c..//x", "https://h5.example.com/x", "https://h5.example.com@evil.example",
		"https://m.example.com:443/", "HTTPS://h5.example.com\\x", "/\t/x", "/a/../..//b", "javascript:alert(1)", "/商店", "https:/h5.example.com", "/?\\#\\",
	} {
		f.Add(seed)
	}
	g := returnAddresses(f)
	f.Fuzz(func(t *testing.T, raw string) {
		got := g.returnTo(raw)
		for _, c := range []byte(got) {
			if c <= ' ' || c >= 0x7f {
				t.Fatalf("returnTo(%q) = %q, which holds %q", raw, got, c)
			}
		}
		if again := g.returnTo(got); again != got {
			t.Errorf("returnTo(%q) = %q, but returnTo of that = %q", raw, got, again)
		}
		if len(got) > session.MaxReturnTo {
			t.Errorf("returnTo of %d bytes has %d bytes, want %d at most", len(raw), len(got), session.MaxReturnTo)
		}
	})
}
