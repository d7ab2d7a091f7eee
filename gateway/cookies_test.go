package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
)

// cookieGuard is a guard as far as its cookies go. Theirs begin with
// __Host- where it is secure.
func cookieGuard(secure bool) *guard {
	c := session.Config{Secure: secure}
	return &guard{cookies: c, withheld: map[string]bool{c.CookieName(): true}}
}

func TestStripCookies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		secure bool
		in     []string
		want   []string
	}{
		{"none", false, nil, nil},
		{"no own", false, []string{" a=1;b=2 ; ;c"}, []string{" a=1;b=2 ; ;c"}},
		{"no own on several lines", false, []string{"a=1", "b=2"}, []string{"a=1", "b=2"}},
		{"own alone", false, []string{"wxgate=x"}, nil},
		{"own on all lines", false, []string{"wxgate=x", "wxgate=y; wxgate_login_0=z"}, nil},
		{"own first", false, []string{"wxgate=x; a=1; b=2"}, []string{"a=1; b=2"}},
		{"own last", false, []string{"a=1; b=2; wxgate=x"}, []string{"a=1; b=2"}},
		{"own between", false, []string{"a=1; wxgate=x; b=2"}, []string{"a=1; b=2"}},
		{"own twice", false, []string{"wxgate=x; a=1; wxgate=y"}, []string{"a=1"}},
		{"own login", false, []string{"a=1; wxgate_login_0123456789abcdef=x; wxgate_login_=y"}, []string{"a=1"}},
		{"own without value", false, []string{"wxgate; a=1; wxgate="}, []string{"a=1"}},
		{"own with = in its value", false, []string{"wxgate=x=y==; a=1"}, []string{"a=1"}},
		{"own quoted", false, []string{`wxgate="x"; a="1"`}, []string{`a="1"`}},
		{"blanks around own", false, []string{"a=1;wxgate=x;b=2", "c=3; \twxgate \t= x;d=4"}, []string{"a=1;b=2", "c=3;d=4"}},
		{"own on one line of several", false, []string{"a=1", "wxgate=x", "b=2; wxgate=y"}, []string{"a=1", "b=2"}},
		{"others byte for byte", false, []string{`a="1 2" ;b==;c;=d;  e = f ;;g=%3B,h; wxgate=x`}, []string{`a="1 2" ;b==;c;=d;  e = f ;;g=%3B,h`}},
		{"others beyond ASCII", false, []string{"a=商店\xff; wxgate=x; b=\x01"}, []string{"a=商店\xff; b=\x01"}},
		{"others twice", false, []string{"a=1; wxgate=x; a=1; a=2"}, []string{"a=1; a=1; a=2"}},
		{"same beginning", false, []string{"wxgate_theme=dark; wxgatex=1; wxgate_login=2; wxgate-x=3; wxgate=x"}, []string{"wxgate_theme=dark; wxgatex=1; wxgate_login=2; wxgate-x=3"}},
		{"same beginning alone", false, []string{"wxgate_theme=dark"}, []string{"wxgate_theme=dark"}},
		{"own name as a value", false, []string{"a=wxgate; b=wxgate=x; xwxgate=1"}, []string{"a=wxgate; b=wxgate=x; xwxgate=1"}},
		{"another case", false, []string{"WXGATE=1; Wxgate=2; wxgate=x"}, []string{"WXGATE=1; Wxgate=2"}},
		{"semicolons only", false, []string{";;wxgate=x;;"}, nil},
		{"empty line", false, []string{"", "wxgate=x", "a=1"}, []string{"a=1"}},
		{"within quotes a semicolon ends a cookie all the same", false, []string{`a="1; wxgate=x; b"`}, []string{`a="1; b"`}},

		{"secure", true, []string{"a=1; __Host-wxgate=x; __Host-wxgate_login_0=y; b=2"}, []string{"a=1; b=2"}},
		{"secure, the name without prefix is the site's", true, []string{"wxgate=1; __Host-wxgate=x"}, []string{"wxgate=1"}},
		{"secure, same beginning", true, []string{"__Host-wxgate_theme=dark; __Host-wxgate=x; __Host-wxgates=1"}, []string{"__Host-wxgate_theme=dark; __Host-wxgates=1"}},
	}
	for _, test := range tests {
		h := http.Header{"Accept": {"*/*"}}
		if test.in != nil {
			h["Cookie"] = slices.Clone(test.in)
		}
		before := h["Cookie"]
		cookieGuard(test.secure).stripCookies(h)
		if _, there := h["Cookie"]; !slices.Equal(h["Cookie"], test.want) || there != (test.want != nil) {
			t.Errorf("%s: stripCookies(%q) leaves %q, want %q", test.name, test.in, h["Cookie"], test.want)
		}
		if !slices.Equal(before, test.in) {
			t.Errorf("%s: stripCookies changed the caller's %q into %q", test.name, test.in, before)
		}
	}
}

// FuzzStripCookies: no own cookie is left for any reader, every other one is,
// and nothing more can be stripped.
func FuzzStripCookies(f *testing.F) {
	for _, seed := range []string{"", "a=1; wxgate=x; b=2", ";;wxgate", " wxgate = x", `a="1; wxgate=x"`, "wxgate_theme=1;wxgate_login_=2", "=wxgate=x", "\twxgate\t=;a"} {
		f.Add(seed)
	}
	g := cookieGuard(false)
	f.Fuzz(func(t *testing.T, line string) {
		read := func(h http.Header) (own, others []string) {
			for _, c := range (&http.Request{Header: h}).Cookies() {
				if session.CookieOwner(c.Name) == g.cookies.CookieName() {
					own = append(own, c.Name)
				} else {
					others = append(others, c.Name+"="+c.Value)
				}
			}
			return own, others
		}
		h := http.Header{"Cookie": {line}}
		_, before := read(h)
		g.stripCookies(h)
		own, after := read(h)
		if len(own) > 0 || !slices.Equal(before, after) {
			t.Errorf("stripCookies(%q) leaves %q: own %q, others %q, want %q", line, h["Cookie"], own, after, before)
		}
		if left := strings.Join(h["Cookie"], ";"); len(left) > len(line) {
			t.Errorf("stripCookies(%q) leaves more: %q", line, left)
		}
		once := slices.Clone(h["Cookie"])
		if g.stripCookies(h); !slices.Equal(h["Cookie"], once) {
			t.Errorf("stripCookies(%q) leaves %q, a second time %q", line, once, h["Cookie"])
		}
	})
}

func TestDropOwnCookies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line   string
		secure bool
		stays  bool
	}{
		{"wxgate=evil", false, false},
		{"wxgate=evil; Path=/; HttpOnly", false, false},
		{"wxgate=; Max-Age=0", false, false},
		{"wxgate", false, false},
		{"wxgate;", false, false},
		{" wxgate=evil", false, false},
		{"\twxgate\t=evil", false, false},
		{"wxgate =evil", false, false},
		{"wxgate==evil", false, false},
		{`wxgate="evil"`, false, false},
		{"wxgate_login_0123=evil", false, false},
		{"wxgate_login_=evil", false, false},
		{"=wxgate=evil", false, false},
		{" = wxgate =evil", false, false},
		{"=wxgate", false, false},
		{"=wxgate_login_0=evil; Path=/", false, false},
		{"__Host-wxgate=evil", true, false},
		{"__Host-wxgate_login_0=evil; Secure; Path=/", true, false},
		{"=__Host-wxgate=evil", true, false},

		{"a=1", false, true},
		{"wxgate_theme=dark", false, true},
		{"wxgatex=1", false, true},
		{"wxgate_login=1", false, true},
		{"a=wxgate=evil", false, true},
		{"a=1; wxgate=evil", false, true},
		{"WXGATE=1", false, true},
		{"Wxgate=1", false, true},
		{"_wxgate=1", false, true},
		{"wx gate=1", false, true},
		{"==wxgate=1", false, true},
		{"=a=wxgate", false, true},
		{"=", false, true},
		{"", false, true},
		{";", false, true},
		{"; wxgate=evil", false, true},
		{"__Host-wxgate=1", false, true},
		{"wxgate=1", true, true},
		{"__host-wxgate=1", true, true},
		{"__Host-wxgate_theme=dark", true, true},
		{"__Secure-wxgate=1", true, true},
	}
	for _, test := range tests {
		h := http.Header{"Set-Cookie": {test.line}}
		cookieGuard(test.secure).dropOwnCookies(h)
		if _, got := h["Set-Cookie"]; got != test.stays {
			t.Errorf("dropOwnCookies, secure %t: %q stays is %t, want %t", test.secure, test.line, got, test.stays)
		}
	}
}

func TestDropOwnCookiesKeepsOthers(t *testing.T) {
	t.Parallel()
	h := http.Header{"Set-Cookie": {" a=1 ; Path=/", "wxgate=x", "b=2", "wxgate_login_0=y", "a=3"}}
	cookieGuard(false).dropOwnCookies(h)
	if want := []string{" a=1 ; Path=/", "b=2", "a=3"}; !slices.Equal(h["Set-Cookie"], want) {
		t.Errorf("dropOwnCookies leaves %q, want %q", h["Set-Cookie"], want)
	}
	none := make(http.Header)
	if cookieGuard(false).dropOwnCookies(none); len(none) > 0 {
		t.Errorf("dropOwnCookies makes %v of no headers", none)
	}
}
