package gateway

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
)

// ownCookies are the hidden cookies of a site. Their names begin with __Host- if
// the site is secure.
func ownCookies(secure bool) hiddenCookies {
	return hiddenCookies{session.Config{Secure: secure}.CookieName(): true}
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
		{"spaces around own", false, []string{"a=1;wxgate=x;b=2", "c=3; \twxgate \t= x;d=4"}, []string{"a=1;b=2", "c=3;d=4"}},
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
		ownCookies(test.secure).strip(h)
		if _, there := h["Cookie"]; !slices.Equal(h["Cookie"], test.want) || there != (test.want != nil) {
			t.Errorf("%s: strip(%q) leaves %q, want %q", test.name, test.in, h["Cookie"], test.want)
		}
		if !slices.Equal(before, test.in) {
			t.Errorf("%s: strip changed the caller's %q into %q", test.name, test.in, before)
		}
	}
}

// FuzzStripCookies checks that net/http reads all cookies but the hidden ones from
// what is left, and that a second strip changes nothing.
func FuzzStripCookies(f *testing.F) {
	for _, seed := range []string{
		"", "a=1; wxgate=x; b=2", ";;wxgate", " wxgate = x", `a="1; wxgate=x"`, "wxgate_theme=1;wxgate_login_=2", "=wxgate=x",
		"\twxgate\t=;a",
	} {
		f.Add(seed)
	}
	own := ownCookies(false)
	f.Fuzz(func(t *testing.T, line string) {
		read := func(h http.Header) (hidden, others []string) {
			for _, c := range (&http.Request{Header: h}).Cookies() {
				if own.has(c.Name) {
					hidden = append(hidden, c.Name)
				} else {
					others = append(others, c.Name+"="+c.Value)
				}
			}
			return hidden, others
		}
		h := http.Header{"Cookie": {line}}
		_, before := read(h)
		own.strip(h)
		left, after := read(h)
		if len(left) > 0 || !slices.Equal(before, after) {
			t.Errorf("strip(%q) leaves %q: own %q, others %q, want %q", line, h["Cookie"], left, after, before)
		}
		if rest := strings.Join(h["Cookie"], ";"); len(rest) > len(line) {
			t.Errorf("strip(%q) leaves more: %q", line, rest)
		}
		once := slices.Clone(h["Cookie"])
		if own.strip(h); !slices.Equal(h["Cookie"], once) {
			t.Errorf("strip(%q) leaves %q, a second time %q", line, once, h["Cookie"])
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
		ownCookies(test.secure).dropFrom(h)
		if _, got := h["Set-Cookie"]; got != test.stays {
			t.Errorf("dropFrom, secure %t: %q stays is %t, want %t", test.secure, test.line, got, test.stays)
		}
	}
}

func TestDropOwnCookiesKeepsOthers(t *testing.T) {
	t.Parallel()
	h := http.Header{"Set-Cookie": {" a=1 ; Path=/", "wxgate=x", "b=2", "wxgate_login_0=y", "a=3"}}
	ownCookies(false).dropFrom(h)
	if want := []string{" a=1 ; Path=/", "b=2", "a=3"}; !slices.Equal(h["Set-Cookie"], want) {
		t.Errorf("dropFrom leaves %q, want %q", h["Set-Cookie"], want)
	}
	none := make(http.Header)
	if ownCookies(false).dropFrom(none); len(none) > 0 {
		t.Errorf("dropFrom makes %v of no headers", none)
	}
}

// BenchmarkStripCookies strips the header of a common request, and one that a
// client has filled with cookies by the session's name.
func BenchmarkStripCookies(b *testing.B) {
	for name, line := range map[string]string{
		"common": "theme=dark; wxgate=" + strings.Repeat("A", 400) + "; visits=12",
		"2900":   strings.Repeat("wxgate=x; ", 2900) + "a=1",
	} {
		b.Run(name, func(b *testing.B) {
			own := ownCookies(false)
			b.ReportAllocs()
			for b.Loop() {
				own.strip(http.Header{"Cookie": {line}})
			}
		})
	}
}
