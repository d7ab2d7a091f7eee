package session_test

import (
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
