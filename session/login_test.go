package session_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

// browser keeps cookies as far as the tests need it.
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

// begin begins a login in b and returns it.
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

func TestStateForm(t *testing.T) {
	t.Parallel()
	state := session.NewState()
	if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(state) || state == session.NewState() {
		t.Errorf("NewState() = %q, want 32 random hexadecimal digits", state)
	}
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
	for _, state := range []string{"", login.State[:31], login.State + "0", login.State[:16] + strings.Repeat("0", 16), session.NewState()} {
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
	if !strings.HasPrefix(cookie.Name, "__Host-wxgate_login_") || cookie.MaxAge != 600 || cookie.Path != "/" ||
		!cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || strings.Contains(cookie.Value, login.State) {
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

// Cookies know no ports: a hub and its site on one host see each other's.
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

// A header full of junk must not be answered by a longer one.
func TestJunkGoesInPortions(t *testing.T) {
	t.Parallel()
	b := browser{}
	for i := range 1000 {
		b[fmt.Sprintf("__Host-wxgate_login_%d", i)] = "junk"
	}
	header := make(http.Header)
	if err := newLogins(t).Begin(b.request(), header, &session.Login{State: session.NewState(), BeganAt: time.Now()}); err != nil {
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
	if got, ok := logins.Find(b.request(), login.State); !ok || !got.Spent || got.ReturnTo != login.ReturnTo || login.Spent {
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

// A login has the form that the oldest release able to hold it writes and
// reads, to the byte.
func TestLoginForms(t *testing.T) {
	t.Parallel()
	const state, siteState = "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
	const began = "\x80\xd0\x95\xff\xbc\x31" // 1,700,000,000,000 milliseconds
	tests := []struct {
		name             string
		appID, siteState string
		returnTo         string
		want             string
	}{
		{"own", "", "", "/x", "\x01\x00\x02" + began + "\x20" + state + "\x0bsnsapi_base\x02/x"},
		{"another account", "wx01", "", "/x", "\x02\x00\x02" + began + "\x20" + state + "\x0bsnsapi_base\x02/x\x04wx01"},
		{"another site", "", siteState, "https://b.cn/", "\x03\x00\x02" + began + "\x20" + state + "\x0bsnsapi_base\x0dhttps://b.cn/\x00\x20" + siteState},
		{"another site and account", "wx01", siteState, "https://b.cn/", "\x03\x00\x02" + began + "\x20" + state + "\x0bsnsapi_base\x0dhttps://b.cn/\x04wx01\x20" + siteState},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			login := session.Login{
				State: state, ReturnTo: test.returnTo, Scope: "snsapi_base", AppID: test.appID, SiteState: test.siteState,
				Attempts: 2, BeganAt: time.UnixMilli(1_700_000_000_000),
			}
			if data, err := login.MarshalBinary(); err != nil || string(data) != test.want {
				t.Errorf("written as %q (%v), want %q", data, err, test.want)
			}
			got := session.Login{AppID: "left over", SiteState: "left over"}
			if err := got.UnmarshalBinary([]byte(test.want)); err != nil {
				t.Fatalf("%q is not read: %v", test.want, err)
			}
			if diff := cmp.Diff(login, got); diff != "" {
				t.Errorf("read back differently (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedLogin(t *testing.T) {
	t.Parallel()
	whole, err := (&session.Login{State: session.NewState(), ReturnTo: "https://b.cn/", SiteState: session.NewState()}).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	inVersion := func(v byte) []byte { return append([]byte{v}, whole[1:]...) }
	tests := []struct {
		name string
		in   []byte
	}{
		{"empty", nil},
		{"version 0", inVersion(0)},
		{"version 4", inVersion(4)},
		{"another site's as an own one", inVersion(1)},
		{"another site's without its state", inVersion(2)},
		{"truncated", whole[:len(whole)-1]},
		{"lengthened", append(inVersion(3), 0)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var l session.Login
			if l.UnmarshalBinary(test.in) == nil {
				t.Errorf("%x is read as %+v, want an error", test.in, l)
			}
		})
	}
}

func FuzzLoginBinary(f *testing.F) {
	whole, _ := (&session.Login{State: session.NewState(), ReturnTo: "/x"}).MarshalBinary()
	f.Add(whole)
	elsewhere, _ := (&session.Login{State: session.NewState(), ReturnTo: "/x", AppID: "wx0123456789abcdef"}).MarshalBinary()
	f.Add(elsewhere)
	othersite, _ := (&session.Login{State: session.NewState(), ReturnTo: "https://b.cn/", SiteState: session.NewState()}).MarshalBinary()
	f.Add(othersite)
	f.Fuzz(func(t *testing.T, data []byte) {
		var l session.Login
		if l.UnmarshalBinary(data) != nil {
			return
		}
		again, err := l.MarshalBinary()
		var same session.Login
		if err != nil || same.UnmarshalBinary(again) != nil || !cmp.Equal(l, same) {
			t.Errorf("%x is read as %+v, which is written as %x", data, l, again)
		}
	})
}
