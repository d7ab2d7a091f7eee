package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/wxgate/wxgate/session"
)

// returnGateway is a gateway as far as returnTo needs one. It is at
// https://h5.example.com, further hosts may be returned to, and one
// was left empty by mistake.
func returnGateway(t testing.TB) *guard {
	t.Helper()
	publicURL, err := parseOrigin("https://h5.example.com")
	if err != nil {
		t.Fatal(err)
	}
	return &guard{shared: &shared{prefix: "/_wx"}, publicURL: publicURL, returnHosts: allowedHosts(publicURL, []string{"M.example.com", "dev.example.com:8443", ""})}
}

// browserHost is the scheme and host that a browser at the callback goes to
// when it is redirected to location.
func browserHost(location string) (origin string, err error) {
	u, err := whatwg.ParseRef("https://h5.example.com/_wx/callback?code=c&state=s", location)
	if err != nil {
		return "", err
	}
	return u.Protocol() + "//" + u.Host(), nil
}

// checkHarmless fails the test unless a visitor who is sent to location stays
// on the site.
func checkHarmless(t *testing.T, raw, location string) {
	t.Helper()
	origin, err := browserHost(location)
	if err != nil {
		t.Errorf("returnTo(%q) = %q, which no browser can read: %v", raw, location, err)
		return
	}
	switch origin {
	case "https://h5.example.com", "https://m.example.com", "https://dev.example.com:8443":
	default:
		t.Errorf("returnTo(%q) = %q, which leads to %s", raw, location, origin)
	}
}

func TestReturnToRefuses(t *testing.T) {
	t.Parallel()
	g := returnGateway(t)
	for _, raw := range []string{
		"",
		// another host without a scheme
		"//evil.example", "///evil.example", "////evil.example", "//evil.example/h5.example.com", "//evil.example:443/x",
		"//h5.example.com", "//h5.example.com@evil.example", "//evil.example@h5.example.com", "//", "///", "//?x", "//#x",
		"//.", "//..", "//evil.example/..", "//evil.example/../", "//evil.example/%2e%2e", "//evil.example/a/../..", "//evil.example/../?x", "//evil.example/..#x", "//../evil.example",
		"/%2fevil.example/..", "/%5cevil.example/%2E%2E/", "/.//evil.example/..", "/a/..//evil.example/../b",
		// backslashes
		`/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`, `\evil.example`, `\`, `/\`, `//\evil.example`,
		`/\\evil.example`, `/a\..\..\\evil.example`, `/a/..\/evil.example`, `/.\evil.example`, `/a\b`, `https:\\evil.example`,
		`https:/\evil.example`, `https://evil.example\@h5.example.com`, `https://h5.example.com\@evil.example`,
		`https://h5.example.com\.evil.example`, `https:\\h5.example.com\x`, `https://h5.example.com/\evil.example`,
		// what browsers drop
		"/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", "\n//evil.example", "\r\n//evil.example",
		"/\r\nSet-Cookie: a=b", "/a\x00b", "/\x00/evil.example", "\x00//evil.example", "ht\ntps://evil.example", "java\tscript:alert(1)",
		"/\x0b/evil.example", "/\x1f/evil.example", "/\x7f/evil.example", "/\u0085/evil.example", "/\u009fx", "\x01https://evil.example",
		" //evil.example", "  /\\evil.example", " https://evil.example", " /shop", "\u3000//evil.example", "\ufeff//evil.example",
		// schemes
		"https:evil.example", "https:/evil.example", "https:///evil.example", "https:////evil.example", "http:evil.example",
		"https:", "https:/", "https://", "https://?", "https:h5.example.com", "https:/h5.example.com", "https:///h5.example.com/x",
		"HTTPS:evil.example", "HtTpS://evil.example", "http://h5.example.com/", "http://m.example.com/", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
		"javascript://h5.example.com/%0aalert(1)", "javascript:/h5.example.com", "data:text/html,x", "data://h5.example.com/,x", "vbscript:x", "file:///etc/passwd",
		"file://h5.example.com/x", "ftp://h5.example.com/x", "ws://h5.example.com/", "blob:https://h5.example.com/1", "about:blank", "weixin://dl/scan", "tel:110",
		"view-source:https://h5.example.com/", "://h5.example.com", ":", "x", "shop", "./shop", "../shop", "?x=1", "#/route", ".", "*", "@evil.example",
		// logins that would lead to logins
		"/_wx/login", "/_wx/login?return_to=/_wx/login", "/_wx/callback?code=a&state=b", "/%5fwx/login", "/x/../_wx/login", "/_wx/./login",
		"https://h5.example.com/_wx/login",

		// other hosts
		"https://evil.example", "https://evil.example/https://h5.example.com/", "https://evil.example?h5.example.com", "https://evil.example#h5.example.com",
		"https://evil.example?@h5.example.com/", "https://evil.example#@h5.example.com/", "https://evil.example/@h5.example.com",
		"https://h5.example.com.evil.example/", "https://h5.example.comevil.example", "https://evilh5.example.com/", "https://evil-h5.example.com/",
		"https://x.h5.example.com/", "https://example.com/", "https://h5.example.co/", "https://h5.example.com./", "https://h5.example.com..", "https://.h5.example.com/",
		"https://h5.example.com,evil.example/", "https://h5.example.com;evil.example", "https://h5.example.com&evil.example", "https://h5.example.com evil.example/",
		// userinfo
		"https://h5.example.com@evil.example/", "https://h5.example.com:443@evil.example/", "https://evil.example@h5.example.com/", "https://@h5.example.com/",
		"https://:@h5.example.com/", "https://u:p@h5.example.com/", "https://h5.example.com@h5.example.com/", "https://h5.example.com%40evil.example/", "https://h5.example.com%2f@evil.example/",
		"https://h5.example.com%00@evil.example", "https://h5.example.com:80:@evil.example", "https://@@h5.example.com/", "https://a@b@h5.example.com/",
		// ports
		"https://h5.example.com:8443/", "https://h5.example.com:443/", "https://h5.example.com:/", "https://h5.example.com:x/", "https://dev.example.com/",
		"https://dev.example.com:08443/", "https://h5.example.com:443.evil.example/", "https://h5.example.com:-1/", "https://m.example.com:8443/",
		// addresses
		"https://[::1]/", "https://[h5.example.com]/", "https://[::1]@h5.example.com", "//[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://[",
		"https://]", "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "//2130706433",
		// encoded, foreign and look-alike hosts
		"https://h5%2eexample.com/", "https://%65vil.example/", "https://h5.example.com%2eevil.example/", "https://h5.example.com%23.evil.example/",
		"https://h5.example.com%5cevil.example", "https://h5。example。com/", "https://ｈ５.example.com/", "https://evil。example", "https://ｅｖｉｌ.example",
		"https://xn--h5-xyz.example.com/", "https://h5.example.xn--com-", "https://h5.ехample.com/", "https://h5.example.com\u200b/", "https://h5.exa\u00admple.com/",
		"https://\u212aiosk.example.com/", "https://h5.example.com\u2044evil.example", "https://h5.example.com\uff0fevil.example", "https:／／evil.example", "／／evil.example",
		// two hosts once dots and slashes are decoded or resolved
		"/%2fevil.example", "/%2Fevil.example", "/%5cevil.example", "/%5Cevil.example", "%2f%2fevil.example", "%2f/evil.example", "/%2f%2fevil.example", "/%2f",
		"/.//evil.example", "/..//evil.example", "/a/..//evil.example", "/a/../..//evil.example", "/%2e//evil.example", "/%2e%2e//evil.example", "/%2E%2e%2f%2fevil.example",
		"/a/%2e%2e/%2fevil.example", "/./.././/evil.example", "/a%2f..%2f%2fevil.example", "/.%5cx%5c..%5c%5cevil.example", "/x/%2e%2e%5c%5cevil.example",
		// text that is none
		"/\xff", "/a\xc0\xaf", "/\xc0\xaf/evil.example", "/\xed\xa0\x80", "/?q=\xff", "/\xe4\xb8", "https://h5.example.com/\xfe",
		// too long for the login's cookie
		"/" + strings.Repeat("a", session.MaxReturnTo), "/" + strings.Repeat("店", session.MaxReturnTo/9+1), "https://h5.example.com/" + strings.Repeat("a", session.MaxReturnTo),
	} {
		if got := g.returnTo(raw); got != "/" {
			t.Errorf("returnTo(%q) = %q, want %q", raw, got, "/")
			checkHarmless(t, raw, got)
		}
	}
}

func TestReturnToKeeps(t *testing.T) {
	t.Parallel()
	g := returnGateway(t)
	for _, raw := range []string{
		"/", "/shop", "/shop/", "/shop?item=1024&from=timeline", "/?a=1&a=2&a=", "/?q=a+b", "/?q=a%2Bb", "/?q=a%20b", "/?", "/shop?#", "/?a=1;b=2", "/?&&", "/?=",
		"/#/route", "/#/route?x=1", "/#!/route", "/shop?x=1#/a/b", "/a//b", "/a///", "/a/../b", "/a/./b", "/a/..", "/.", "/..", "/../shop", "/a%2Fb", "/a%2fb", "/a%5Cb", "/a/%2e%2e/b",
		"/%E5%95%86%E5%BA%97", "/%e5%95%86?q=%E5%BA%97", "/%252fevil.example", "/a;v=1/b", "/a:b", "/https://evil.example", "/@evil.example", "/x@evil.example", "/~a/-._!$&'()*+,;=:@",
		"/%", "/%zz", "/%2", "/a|b", "/{id}", `/"quoted"`, "/<b>", "/a^b`c",
		"/?next=//evil.example", "/?next=https://evil.example", `/?q=a\b`, `/?\\evil.example`, `/#\\evil.example`, "/?@evil.example", "/#@evil.example", "/?/../..//evil.example", "/#//evil.example",
		"/%09/evil.example", "/%0d%0aSet-Cookie:a=b", "/%00", "/*", "/*/*", "/_wx/logout",
		"https://h5.example.com", "https://h5.example.com/", "https://h5.example.com/shop?x=1#/r", "https://h5.example.com?x=1", "https://h5.example.com#/r", "https://h5.example.com//evil.example",
		"https://h5.example.com/@evil.example", "https://h5.example.com/..//evil.example", "https://h5.example.com?@evil.example", "https://h5.example.com#@evil.example", `https://h5.example.com?\@evil.example`,
		"HTTPS://H5.Example.COM/Shop", "https://m.example.com/", "https://M.EXAMPLE.com/x", "https://dev.example.com:8443/x",
		"/" + strings.Repeat("a", session.MaxReturnTo-1),
	} {
		if got := g.returnTo(raw); got != raw {
			t.Errorf("returnTo(%q) = %q, want it as it is", raw, got)
		}
		checkHarmless(t, raw, raw)
	}
}

func TestReturnToEncodes(t *testing.T) {
	t.Parallel()
	g := returnGateway(t)
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
		got := g.returnTo(test.in)
		if got != test.want {
			t.Errorf("returnTo(%q) = %q, want %q", test.in, got, test.want)
		}
		checkHarmless(t, test.in, got)
	}
}

// A site in plain http may be left for https, never the other way round.
func TestReturnToScheme(t *testing.T) {
	t.Parallel()
	publicURL, err := parseOrigin("http://127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	g := &guard{shared: new(shared), publicURL: publicURL, returnHosts: allowedHosts(publicURL, []string{"m.example.com"})}
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
	g := returnGateway(t)
	g.cookies.Domain = "example.com"
	tests := []struct{ name, host, target, want string }{
		{"own host", "h5.example.com", "/shop?q=a+b", "/shop?q=a+b"},
		{"own host, capitals", "H5.Example.com", "/shop", "/shop"},
		{"further host", "M.example.com", "/shop?x", "https://m.example.com/shop?x"},
		{"further host, two slashes", "m.example.com", "//evil.example", "https://m.example.com//evil.example"},
		{"unknown host", "evil.example", "/shop", "/shop"},
		{"two slashes", "h5.example.com", "//evil.example/", "/"},
		{"absolute form", "h5.example.com", "http://evil.example/x", "/"},
		{"asterisk", "h5.example.com", "*", "/"},
		{"none", "h5.example.com", "", "/"},
	}
	for _, test := range tests {
		r := &http.Request{Host: test.host, RequestURI: test.target}
		if got := g.returnTo(g.returnTarget(r)); got != test.want {
			t.Errorf("%s: %q at %q: return to %q, want %q", test.name, test.target, test.host, got, test.want)
		}
	}
	// Where there would be no session, the way back would lead to the login again.
	for _, domain := range []string{"", "h5.example.com", "ample.com"} {
		g.cookies.Domain = domain
		if got := g.returnTarget(&http.Request{Host: "m.example.com", RequestURI: "/shop"}); got != "/shop" {
			t.Errorf("cookie domain %q: return to %q, want %q", domain, got, "/shop")
		}
	}
}

func TestCallingPage(t *testing.T) {
	t.Parallel()
	g := returnGateway(t)
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

func TestParseOrigin(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"https://h5.example.com", "https://h5.example.com"},
		{"https://H5.Example.com/", "https://h5.example.com"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"},
		{"HTTPS://h5.example.com", "https://h5.example.com"},
		{"", ""},
		{"h5.example.com", ""},
		{"//h5.example.com", ""},
		{"ftp://h5.example.com", ""},
		{"https://", ""},
		{"https://h5.example.com/shop", ""},
		{"https://h5.example.com//", ""},
		{"https://h5.example.com?x", ""},
		{"https://h5.example.com#x", ""},
		{"https://u@h5.example.com", ""},
		{"https://h5.example.com:x", ""},
	}
	for _, test := range tests {
		u, err := parseOrigin(test.in)
		got := ""
		if err == nil {
			got = u.String()
		}
		if got != test.want {
			t.Errorf("parseOrigin(%q) = %q (%v), want %q", test.in, got, err, test.want)
		}
	}
}

// FuzzReturnTo: whatever is asked for, a browser that is sent to the answer
// stays on the site, a header can hold the answer, and asking again for the
// answer changes nothing.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{
		"/", "/shop?q=a+b#/r", "//evil.example", `/\evil.example`, "/%2f%5c..//x", "https://h5.example.com/x", "https://h5.example.com@evil.example",
		"https://m.example.com:443/", "HTTPS://h5.example.com\\x", "/\t/x", "/a/../..//b", "javascript:alert(1)", "/商店", "https:/h5.example.com", "/?\\#\\",
	} {
		f.Add(seed)
	}
	g := returnGateway(f)
	f.Fuzz(func(t *testing.T, raw string) {
		got := g.returnTo(raw)
		checkHarmless(t, raw, got)
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

// FuzzOwnPage: what counts as a page of this site is one to a browser too, which
// finds no user name in the address.
func FuzzOwnPage(f *testing.F) {
	for _, seed := range []string{
		"https://h5.example.com", "https://h5.example.com?params=value", "https://h5.example.com/shop?q=a+b#/r", "https://h5.example.com@evil.example", "https://h5.example.com/\\x",
		"https://h5.example.com:443/", "HTTPS://h5.example.com", "https://h5.example.com/\t/x", "https://h5.example.com#@evil.example", "/shop", "https://h5.example.com/商店",
	} {
		f.Add(seed)
	}
	g := returnGateway(f)
	f.Fuzz(func(t *testing.T, raw string) {
		if !g.ownPage(raw) {
			return
		}
		u, err := whatwg.Parse(raw)
		if err != nil {
			t.Fatalf("ownPage(%q) = true, but no browser can read it: %v", raw, err)
		}
		if got := u.Protocol() + "//" + u.Username() + u.Password() + u.Host(); got != "https://h5.example.com" {
			t.Errorf("ownPage(%q) = true, but it is at %s", raw, got)
		}
	})
}
