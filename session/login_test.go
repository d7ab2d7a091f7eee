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

func TestLongestReturnToFits(t *testing.T) {
	t.Parallel()
	logins, b := newLogins(t), browser{}
	login := &session.Login{State: session.NewState(), ReturnTo: "/" + strings.Repeat("x", session.MaxReturnTo-1), Scope: "snsapi_userinfo", BeganAt: time.Now()}
	header := make(http.Header)
	if err := logins.Begin(b.request(), header, login); err != nil {
		t.Fatal(err)
	}
	b.take(t, header)
	if got, ok := logins.Find(b.request(), login.State); !ok || got.ReturnTo != login.ReturnTo {
		t.Error("the longest return address does not survive")
	}
}

// The account survives, and a login at the site's own has the form that older
// releases read.
func TestLoginAccount(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		appID   string
		version byte
	}{{"", 1}, {"wx0123456789abcdef", 2}} {
		login := &session.Login{State: session.NewState(), ReturnTo: "/x", Scope: "snsapi_base", AppID: test.appID, BeganAt: time.UnixMilli(1_700_000_000_000)}
		data, err := login.MarshalBinary()
		if err != nil || data[0] != test.version {
			t.Errorf("AppID %q: version = %d (%v), want %d", test.appID, data[0], err, test.version)
		}
		got := session.Login{AppID: "another"}
		if err := got.UnmarshalBinary(data); err != nil || !cmp.Equal(*login, got) {
			t.Errorf("AppID %q: read back %+v (%v)", test.appID, got, err)
		}
	}
}

func FuzzLoginBinary(f *testing.F) {
	whole, _ := (&session.Login{State: session.NewState(), ReturnTo: "/x"}).MarshalBinary()
	f.Add(whole)
	elsewhere, _ := (&session.Login{State: session.NewState(), ReturnTo: "/x", AppID: "wx0123456789abcdef"}).MarshalBinary()
	f.Add(elsewhere)
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
