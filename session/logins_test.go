package session_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

// A browser maps the names of its cookies to their values.
type browser map[string]string

func (b browser) request() *http.Request {
	var cookies []*http.Cookie
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range b {
			if !yield(name) {
				return
			}
		}
	}) {
		cookies = append(cookies, &http.Cookie{Name: name, Value: b[name]})
	}
	return request(cookies...)
}

func (b browser) take(t *testing.T, header http.Header) {
	t.Helper()
	for _, line := range header.Values("Set-Cookie") {
		cookie, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if cookie.MaxAge < 0 {
			delete(b, cookie.Name)
		} else {
			b[cookie.Name] = cookie.Value
		}
	}
}

func newLogins(t *testing.T) *session.Logins {
	t.Helper()
	logins, err := session.NewLogins(config())
	if err != nil {
		t.Fatal(err)
	}
	return logins
}

// begin begins a login in b and returns the login.
func begin(t *testing.T, logins *session.Logins, b browser) *session.Login {
	t.Helper()
	login := &session.Login{
		State: session.NewState(), ReturnTo: "/shop?a=1&b=%2B", Scope: "snsapi_base", Attempts: 1,
		BeganAt: time.UnixMilli(time.Now().UnixMilli()),
	}
	header := make(http.Header)
	if err := logins.Begin(b.request(), header, login); err != nil {
		t.Fatal(err)
	}
	b.take(t, header)
	return login
}

func TestLoginIsFoundInItsBrowserOnly(t *testing.T) {
	t.Parallel()
	logins, mine, other := newLogins(t), browser{}, browser{}
	login := begin(t, logins, mine)
	begin(t, logins, other)
	got, ok := logins.Find(mine.request(), login.State)
	if !ok {
		t.Fatal("not found in its own browser")
	}
	if diff := cmp.Diff(login, got); diff != "" {
		t.Errorf("found login differs:\n%s", diff)
	}
	sameName := login.State[:16] + strings.Repeat("0", 16)
	for _, state := range []string{"", login.State[:31], login.State + "0", sameName, session.NewState()} {
		if _, ok := logins.Find(mine.request(), state); ok {
			t.Errorf("found by the state %q", state)
		}
	}
	if _, ok := logins.Find(other.request(), login.State); ok {
		t.Error("found in another browser")
	}
}

func TestLoginCookieAttributes(t *testing.T) {
	t.Parallel()
	header := make(http.Header)
	login := &session.Login{State: session.NewState(), BeganAt: time.Now()}
	if err := newLogins(t).Begin(request(), header, login); err != nil {
		t.Fatal(err)
	}
	cookie, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(cookie.Name, "__Host-wxgate_login_") || strings.Contains(cookie.Value, login.State) ||
		cookie.MaxAge != 600 || cookie.Path != "/" ||
		!cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode {
		t.Errorf("login cookie: %s", cookie)
	}
}

func TestFiveNewestLoginsRemain(t *testing.T) {
	t.Parallel()
	logins, b := newLogins(t), browser{}
	b["__Host-wxgate_login_junk"] = "junk"
	b["theme"] = "dark"
	var all []*session.Login
	synctest.Test(t, func(t *testing.T) {
		for range 8 {
			all = append(all, begin(t, logins, b))
			time.Sleep(time.Millisecond)
		}
		for i, login := range all {
			if _, ok := logins.Find(b.request(), login.State); ok != (i >= 3) {
				t.Errorf("login %d of 8 found: %v", i+1, ok)
			}
		}
	})
	if len(b) != 6 || b["theme"] != "dark" {
		t.Errorf("%d cookies remain, want five logins and one of the site's", len(b))
	}
}

// Cookies do not depend on the port: a hub and its site on one host receive each
// other's.
func TestLoginOfAnotherSiteOnTheHostRemains(t *testing.T) {
	t.Parallel()
	c := config()
	c.Site += ":8443"
	other, err := session.NewLogins(c)
	if err != nil {
		t.Fatal(err)
	}
	b := browser{}
	theirs := begin(t, other, b)
	for range 4 {
		begin(t, newLogins(t), b)
	}
	if _, ok := other.Find(b.request(), theirs.State); !ok {
		t.Error("gone, though there was room")
	}
	begin(t, newLogins(t), b)
	if _, ok := other.Find(b.request(), theirs.State); ok || len(b) != 5 {
		t.Errorf("%d logins remain, want five, none of them the one that could not be read", len(b))
	}
}

func TestLoginEndsAfterTenMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins, b := newLogins(t), browser{}
		login := begin(t, logins, b)
		time.Sleep(10*time.Minute - time.Second)
		if _, ok := logins.Find(b.request(), login.State); !ok {
			t.Error("gone a second too early")
		}
		time.Sleep(time.Second)
		if _, ok := logins.Find(b.request(), login.State); ok {
			t.Error("still there after ten minutes, though the browser kept the cookie")
		}
	})
}

// Thousands of login cookies cost no more than a few.
func TestFewLoginCookiesAreOpened(t *testing.T) {
	t.Parallel()
	logins, b := newLogins(t), browser{}
	login := begin(t, logins, b)
	valid := b.request().Header.Get("Cookie")
	name, _, _ := strings.Cut(valid, "=")
	for _, test := range []struct {
		junk  string
		n     int
		found bool
	}{
		{name + "=junk", 7, true},
		{name + "=junk", 8, false},
		{name + "=1|junk|AAAA", 7, true},
		{name + "=1|junk|AAAA", 8, false},
		{name + "=junk", 2899, false},
		{"__Host-wxgate_login_0=junk", 2899, true},
		{"__Host-wxgate=junk", 5000, true},
	} {
		r := request()
		r.Header.Set("Cookie", strings.Repeat(test.junk+"; ", test.n)+valid)
		if _, ok := logins.Find(r, login.State); ok != test.found {
			t.Errorf("login after %d times %s is found: %t, want %t", test.n, test.junk, ok, test.found)
		}
	}

	// Of thirty logins, which are older than the new one, only the first twenty that
	// the browser sends are opened: the others cannot be removed yet.
	var all []string
	for range 30 {
		one := browser{}
		begin(t, logins, one)
		all = append(all, one.request().Header.Get("Cookie"))
	}
	r := request()
	r.Header.Set("Cookie", strings.Join(all, "; "))
	header := make(http.Header)
	if err := logins.Begin(r, header, &session.Login{State: session.NewState(), BeganAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	removed := len(header["Set-Cookie"]) - 1
	for _, line := range header["Set-Cookie"][:removed] {
		name, _, _ := strings.Cut(line, "=")
		if i := slices.IndexFunc(all, func(c string) bool { return strings.HasPrefix(c, name+"=") }); i < 0 || i >= 20 {
			t.Errorf("cookie %d of 30 is removed, want only the first twenty to be looked at", i+1)
		}
	}
	if removed != 20 {
		t.Errorf("%d of 30 cookies are removed, want 20", removed)
	}
}

// The response to a header full of junk must not be longer than that header.
func TestJunkGoesInPortions(t *testing.T) {
	t.Parallel()
	b := browser{}
	for i := range 1000 {
		b[fmt.Sprintf("__Host-wxgate_login_%d", i)] = "junk"
	}
	header := make(http.Header)
	login := &session.Login{State: session.NewState(), BeganAt: time.Now()}
	if err := newLogins(t).Begin(b.request(), header, login); err != nil {
		t.Fatal(err)
	}
	if n := len(header.Values("Set-Cookie")); n > 25 {
		t.Errorf("%d cookies are set", n)
	}
}

func TestSpend(t *testing.T) {
	t.Parallel()
	logins, b := newLogins(t), browser{}
	login := begin(t, logins, b)
	header := make(http.Header)
	if err := logins.Spend(header, login); err != nil {
		t.Fatal(err)
	}
	b.take(t, header)
	got, ok := logins.Find(b.request(), login.State)
	if !ok || !got.Spent || got.ReturnTo != login.ReturnTo || login.Spent {
		t.Errorf("after Spend: %+v, %v", got, ok)
	}
}

func TestLongestLoginFits(t *testing.T) {
	t.Parallel()
	logins, b := newLogins(t), browser{}
	login := &session.Login{
		State: session.NewState(), Scope: "snsapi_userinfo", AppID: "wx0123456789abcdef", SiteState: session.NewState(),
		ReturnTo: "https://shop1.cn/" + strings.Repeat("x", session.MaxReturnTo-len("https://shop1.cn/")),
		Attempts: 2, Spent: true, BeganAt: time.UnixMilli(time.Now().UnixMilli()),
	}
	header := make(http.Header)
	if err := logins.Begin(b.request(), header, login); err != nil {
		t.Fatal(err)
	}
	b.take(t, header)
	for name, value := range b {
		if size := len(name) + 1 + len(value); size > 4096 {
			t.Errorf("cookie of %d bytes, want 4096 at most", size)
		}
	}
	got, ok := logins.Find(b.request(), login.State)
	if !ok {
		t.Fatal("the longest login does not survive")
	}
	if diff := cmp.Diff(login, got); diff != "" {
		t.Errorf("the longest login differs:\n%s", diff)
	}
}

// FuzzLoginsBegin checks that whatever cookies a client sends, a login begins, and
// the response is short and removes nothing but login cookies.
func FuzzLoginsBegin(f *testing.F) {
	c := config()
	logins, err := session.NewLogins(c)
	if err != nil {
		f.Fatal(err)
	}
	prefix := c.CookieName() + "_login_"
	for _, seed := range []string{
		"", "a=1", prefix + "1=x; " + prefix + "1=y", strings.Repeat(prefix+"1=x;", 30), prefix + " =;" + prefix,
		strings.Repeat(prefix+"é=\"1|2|3\"; ", 9), prefix + "a=" + strings.Repeat("A", 5000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, header, p := request(), make(http.Header), &phone{}
		r.Header.Set("Cookie", line)
		login := newLogin("/")
		if err := logins.Begin(r, header, login); err != nil {
			t.Fatal(err)
		}
		for i, line := range header["Set-Cookie"] {
			c, err := http.ParseSetCookie(line)
			if err != nil || !strings.HasPrefix(c.Name, prefix) || c.MaxAge < 0 != (i < len(header["Set-Cookie"])-1) {
				t.Errorf("cookie %d is set by %q: %v", i+1, line, err)
			}
		}
		if got := setCookieBytes(header); got > maxSetCookieBytes {
			t.Errorf("Set-Cookie lines of %d bytes", got)
		}
		p.take(t, header)
		if _, ok := logins.Find(p.request(), login.State); !ok {
			t.Error("the login is not found")
		}
	})
}

// FuzzLoginsFind checks that a value which was not sealed is not found, in the
// common form and in the compact one.
func FuzzLoginsFind(f *testing.F) {
	c := config()
	rand.Read(c.Keys[0]) // a different cookie in each process of the fuzzer
	logins, err := session.NewLogins(c)
	if err != nil {
		f.Fatal(err)
	}
	var sealed [2]*http.Cookie
	long := newLogin(longTarget("/", 2000))
	for i, login := range []*session.Login{newLogin("/"), long} {
		login.State = long.State // one name
		header := make(http.Header)
		if err := logins.Begin(request(), header, login); err != nil {
			f.Fatal(err)
		}
		if sealed[i], err = http.ParseSetCookie(header.Get("Set-Cookie")); err != nil {
			f.Fatal(err)
		}
		f.Add(sealed[i].Value)
	}
	f.Add("1|junk|AAAA")
	f.Add("||")
	f.Fuzz(func(t *testing.T, value string) {
		r := request()
		r.Header.Set("Cookie", sealed[0].Name+"="+value)
		login, ok := logins.Find(r, long.State)
		if ok && login.ReturnTo != "/" && login.ReturnTo != long.ReturnTo {
			t.Errorf("%q is found as a login to %q, which began nowhere", value, login.ReturnTo)
		}
	})
}
