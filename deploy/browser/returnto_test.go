package browser_test

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// The return addresses that the gateway's own tests keep and refuse.
const (
	keptAddresses    = "../../gateway/testdata/returnto/kept.txt"
	refusedAddresses = "../../gateway/testdata/returnto/refused.txt"
)

// addresses returns the addresses of a file that holds one Go string a line.
func addresses(t testing.TB, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		address, err := strconv.Unquote(line)
		if err != nil {
			t.Fatalf("%s: %s: %v", file, line, err)
		}
		list = append(list, address)
	}
	if len(list) == 0 {
		t.Fatalf("%s holds no address", file)
	}
	return list
}

// checkStays fails the test unless a browser that is redirected to location
// stays on the site.
func checkStays(t *testing.T, returnTo, location string) {
	t.Helper()
	u, err := whatwg.ParseRef(publicURL+"/_wx/callback?code=c&state=s", location)
	if err != nil {
		t.Errorf("return_to %q leads to %q, which browsers cannot read: %v", returnTo, location, err)
		return
	}
	if got := u.Protocol() + "//" + u.Host(); !slices.Contains(returnOrigins, got) {
		t.Errorf("return_to %q leads to %q, which is at %s", returnTo, location, got)
	}
}

// withFragment returns an address with a fragment, empty unless it has one.
func withFragment(address string) string {
	if strings.Contains(address, "#") {
		return address
	}
	return address + "#"
}

func TestReturnTo(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	for _, address := range addresses(t, keptAddresses) {
		got := n.signIn(t, address)
		if want := withFragment(address); got != want {
			t.Errorf("return_to %q leads to %q, want %q", address, got, want)
		}
		checkStays(t, address, got)
	}
	for _, address := range addresses(t, refusedAddresses) {
		if got := n.signIn(t, address); got != "/#" {
			t.Errorf("return_to %q leads to %q, want /#", address, got)
		}
	}
}

// FuzzReturnTo checks that any return_to leads to a page of the site, as browsers
// read the redirect after the login.
func FuzzReturnTo(f *testing.F) {
	for _, file := range []string{keptAddresses, refusedAddresses} {
		for _, address := range addresses(f, file) {
			f.Add(address)
		}
	}
	for _, address := range []string{ // those that come back percent-encoded
		"/商店", "/?q=商 店", "/#/路", "/😀", "/shop ", "/a\u2028b", "/\u3000/evil.example", "/／evil.example",
		"https://h5.example.com/商",
	} {
		f.Add(address)
	}
	n := newNetwork(f)
	f.Fuzz(func(t *testing.T, returnTo string) {
		location := n.signIn(t, returnTo)
		checkStays(t, returnTo, location)
		if strings.ContainsFunc(location, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			t.Errorf("return_to %q leads to %q, which holds more than printable ASCII", returnTo, location)
		}
	})
}

// FuzzSignedPage checks that the gateway signs pages of its own site alone, as
// browsers read their addresses, and none with a user name.
func FuzzSignedPage(f *testing.F) {
	for _, page := range []string{
		"https://h5.example.com", "https://h5.example.com?params=value", "https://h5.example.com/shop?q=a+b#/r",
		"https://h5.example.com@evil.example", "https://h5.example.com/\\x", "https://h5.example.com:443/",
		"HTTPS://h5.example.com", "https://h5.example.com/\t/x", "https://h5.example.com#@evil.example", "/shop",
		"https://h5.example.com/商店",
	} {
		f.Add(page)
	}
	n := newNetwork(f)
	f.Fuzz(func(t *testing.T, page string) {
		visitor := &wechattest.Browser{Transport: n}
		res := open(t, visitor, publicURL+"/_wx/jssdk?"+url.Values{"url": {page}}.Encode())
		switch res.StatusCode {
		case http.StatusBadRequest:
			return
		case http.StatusOK:
		default:
			t.Fatalf("/jssdk of %q = %d, want 200 or 400", page, res.StatusCode)
		}
		u, err := whatwg.Parse(page)
		if err != nil {
			t.Fatalf("/jssdk signs %q, which browsers cannot read: %v", page, err)
		}
		if got := u.Protocol() + "//" + u.Username() + u.Password() + u.Host(); got != publicURL {
			t.Errorf("/jssdk signs %q, which is at %s", page, got)
		}
	})
}
