package session_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

func config() session.Config {
	return session.Config{
		Keys:     session.Keys{key('a')},
		Site:     "https://h5.example.com",
		AppID:    "wx0123456789abcdef",
		Secure:   true,
		Lifetime: session.Lifetime{TTL: 2 * time.Hour, MaxTTL: 10 * time.Hour},
	}
}

func key(c byte) []byte { return bytes.Repeat([]byte{c}, 32) }

func newStore(t testing.TB, c session.Config) *session.CookieStore {
	t.Helper()
	store, err := session.NewCookieStore(c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// visitor is a session made now.
func visitor() *session.Session {
	now := time.Unix(time.Now().Unix(), 0)
	return &session.Session{
		AppID: "wx0123456789abcdef", OpenID: "oABCDEFGHIJKLMNOPQRSTUVWXYZ0", UnionID: "u123", Scope: "snsapi_userinfo",
		Nickname: "小明 🐼", Avatar: "https://thirdwx.qlogo.cn/mmopen/x/132", IssuedAt: now, RenewedAt: now,
	}
}

// saved returns the cookie that store sets for s.
func saved(t testing.TB, store *session.CookieStore, s *session.Session) *http.Cookie {
	t.Helper()
	header := make(http.Header)
	if err := store.Save(nil, header, s); err != nil {
		t.Fatal(err)
	}
	cookie, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

// request carries the cookies as a browser does.
func request(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

func TestCookieStoreKeepsEveryField(t *testing.T) {
	t.Parallel()
	store := newStore(t, config())
	want := visitor()
	got, err := store.Load(request(saved(t, store, want)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loaded session differs (-saved +loaded):\n%s", diff)
	}
}

func TestCookieAttributes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*session.Config)
		cookie string
		secure bool
	}{
		{"https", func(*session.Config) {}, "__Host-wxgate", true},
		{"http", func(c *session.Config) { c.Secure = false }, "wxgate", false},
		{"domain", func(c *session.Config) { c.Domain = "example.com" }, "wxgate", true},
		{"named", func(c *session.Config) { c.Name = "shop" }, "__Host-shop", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config()
			test.change(&c)
			cookie := saved(t, newStore(t, c), visitor())
			if cookie.Name != test.cookie || c.CookieName() != test.cookie {
				t.Errorf("cookie is called %q, CookieName() = %q, want %q", cookie.Name, c.CookieName(), test.cookie)
			}
			if cookie.Secure != test.secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != c.Domain {
				t.Errorf("attributes: %s", cookie)
			}
			if cookie.MaxAge < 7190 || cookie.MaxAge > 7200 {
				t.Errorf("Max-Age = %d, want the TTL", cookie.MaxAge)
			}
		})
	}
}

func TestSnapshotCookieEndsWithTheBrowser(t *testing.T) {
	t.Parallel()
	store, s := newStore(t, config()), visitor()
	s.SnapshotUser = true
	if cookie := saved(t, store, s); cookie.MaxAge != 0 || !cookie.Expires.IsZero() {
		t.Errorf("a snapshot visitor's cookie has a lifetime: %s", cookie)
	}
}

func TestNoSession(t *testing.T) {
	t.Parallel()
	store := newStore(t, config())
	good := saved(t, store, visitor())
	with := func(value string) *http.Cookie { return &http.Cookie{Name: good.Name, Value: value} }
	foreign := func(change func(*session.Config)) *http.Cookie {
		c := config()
		change(&c)
		return with(saved(t, newStore(t, c), visitor()).Value)
	}
	flipped := []byte(good.Value)
	flipped[len(flipped)/2] ^= 1
	logins, err := session.NewLogins(config())
	if err != nil {
		t.Fatal(err)
	}
	header := make(http.Header)
	if err := logins.Begin(request(), header, &session.Login{State: session.NewState(), BeganAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	login, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		cookie *http.Cookie
	}{
		{"empty", with("")},
		{"noise", with("bm9pc2U")},
		{"flipped bit", with(string(flipped))},
		{"truncated", with(good.Value[:len(good.Value)-4])},
		{"lengthened", with(good.Value + "AAAA")},
		{"oversized", with(strings.Repeat("A", 5000))},
		{"other name", &http.Cookie{Name: "wxgate", Value: good.Value}},
		{"other key", foreign(func(c *session.Config) { c.Keys = session.Keys{key('b')} })},
		{"other site, same keys", foreign(func(c *session.Config) { c.Site = "https://other.example.com" })},
		{"other account, same keys", foreign(func(c *session.Config) { c.AppID = "wxffffffffffffffff" })},
		{"a login's cookie", with(login.Value)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if s, err := store.Load(request(test.cookie)); !errors.Is(err, session.ErrNone) {
				t.Errorf("Load = %v, %v, want ErrNone", s, err)
			}
		})
	}
}

func TestFirstValidCookieCounts(t *testing.T) {
	t.Parallel()
	store := newStore(t, config())
	first, second := visitor(), visitor()
	second.OpenID = "oSECOND"
	a, b := saved(t, store, first), saved(t, store, second)
	junk := &http.Cookie{Name: a.Name, Value: "junk"}
	got, err := store.Load(request(junk, a, b))
	if err != nil || got.OpenID != first.OpenID {
		t.Errorf("Load = %v, %v, want the first valid session", got, err)
	}
}

func TestKeyRotation(t *testing.T) {
	t.Parallel()
	rotated := func(keys ...session.Key) *session.CookieStore {
		c := config()
		c.Keys = keys
		return newStore(t, c)
	}
	before, during, after := rotated(key('a')), rotated(key('b'), key('a')), rotated(key('b'))
	old := saved(t, before, visitor())
	if _, err := during.Load(request(old)); err != nil {
		t.Errorf("the second key's cookie: %v", err)
	}
	if _, err := after.Load(request(saved(t, during, visitor()))); err != nil {
		t.Errorf("new cookies are not made with the first key: %v", err)
	}
	if _, err := after.Load(request(old)); !errors.Is(err, session.ErrNone) {
		t.Errorf("a retired key's cookie: %v, want ErrNone", err)
	}
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config()
		store, s := newStore(t, c), visitor()
		cookie := saved(t, store, s)
		time.Sleep(c.Lifetime.TTL - time.Second)
		if _, err := store.Load(request(cookie)); err != nil {
			t.Errorf("a second before the TTL: %v", err)
		}
		time.Sleep(time.Second)
		if _, err := store.Load(request(cookie)); !errors.Is(err, session.ErrNone) {
			t.Errorf("at the TTL: %v, want ErrNone", err)
		}
	})
}

func TestMaxTTLEndsARenewedSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config()
		store, s := newStore(t, c), visitor()
		for range 9 {
			time.Sleep(time.Hour)
			if !c.Lifetime.Due(s, time.Now()) && c.Lifetime.ExpiresAt(s) != s.IssuedAt.Add(c.Lifetime.MaxTTL) {
				t.Fatalf("not due for renewal half of the TTL after %v", s.RenewedAt)
			}
			s.RenewedAt = time.Now()
		}
		cookie := saved(t, store, s)
		if cookie.MaxAge != 3600 {
			t.Errorf("Max-Age = %d an hour before the end, want 3600", cookie.MaxAge)
		}
		if c.Lifetime.Due(s, time.Now().Add(c.Lifetime.TTL/2)) {
			t.Error("due for a renewal that would prolong nothing")
		}
		time.Sleep(time.Hour)
		if _, err := store.Load(request(cookie)); !errors.Is(err, session.ErrNone) {
			t.Errorf("after MaxTTL: %v, want ErrNone", err)
		}
	})
}

func TestLargestSessionFits(t *testing.T) {
	t.Parallel()
	c := config()
	c.Name = strings.Repeat("n", 64)
	store, s := newStore(t, c), visitor()
	s.OpenID, s.UnionID = strings.Repeat("o", 128), strings.Repeat("u", 128)
	s.Nickname = strings.Repeat("🐼", 64)
	s.Avatar = "https://thirdwx.qlogo.cn/" + strings.Repeat("a", 1000)
	cookie := saved(t, store, s)
	if size := len(cookie.Name) + 1 + len(cookie.Value); size > 4096 {
		t.Errorf("cookie of %d bytes", size)
	}
	if got, err := store.Load(request(cookie)); err != nil || got.Nickname != s.Nickname {
		t.Errorf("Load = %v, %v", got, err)
	}
}

func TestTooLargeASessionIsAnError(t *testing.T) {
	t.Parallel()
	store, s := newStore(t, config()), visitor()
	s.Avatar = strings.Repeat("a", 4000)
	if err := store.Save(nil, make(http.Header), s); err == nil {
		t.Error("Save made a cookie that browsers drop")
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	header := make(http.Header)
	if err := newStore(t, config()).Delete(nil, header); err != nil {
		t.Fatal(err)
	}
	cookie, err := http.ParseSetCookie(header.Get("Set-Cookie"))
	if err != nil || cookie.Name != "__Host-wxgate" || cookie.MaxAge >= 0 || cookie.Value != "" || !cookie.Secure || cookie.Path != "/" {
		t.Errorf("Delete sets %q, %v", header.Get("Set-Cookie"), err)
	}
}

func TestCookieOwner(t *testing.T) {
	t.Parallel()
	plain := config()
	plain.Secure = false
	tests := []struct {
		config session.Config
		name   string
		want   bool
	}{
		{config(), "__Host-wxgate", true},
		{config(), "__Host-wxgate_login_0123", true},
		{config(), "wxgate", false},
		{config(), "__Host-wxgatex", false},
		{config(), "__Host-", false},
		{plain, "wxgate", true},
		{plain, "wxgate_login_", true},
		{plain, "wxgate_theme", false},
		{plain, "", false},
	}
	for _, test := range tests {
		if got := session.CookieOwner(test.name); (got == test.config.CookieName()) != test.want {
			t.Errorf("CookieOwner(%q) = %q, want %s: %v", test.name, got, test.config.CookieName(), test.want)
		}
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	const need = "are required: cookies are bound to them"
	tests := []struct {
		name   string
		change func(*session.Config)
		want   string // in the error, behind "session: "
		logins bool   // whether NewLogins accepts it
	}{
		{"no keys", func(c *session.Config) { c.Keys = nil }, "Keys: no key; at least one is needed", false},
		{"short key", func(c *session.Config) { c.Keys = session.Keys{key('a'), []byte("short")} }, "Keys: item 2 of the list: a key of 5 bytes; at least 32 are needed", false},
		{"no site", func(c *session.Config) { c.Site = "" }, "Site and AppID " + need, false},
		{"no account", func(c *session.Config) { c.AppID = "" }, "Site and AppID " + need, false},
		{"name", func(c *session.Config) { c.Name = "a b" }, "Name: expected a cookie name: ", false},
		{"name with a prefix", func(c *session.Config) { c.Name = "__Host-a" }, "Name: expected a name without __Host- or __Secure-; ", false},
		{"name of a login", func(c *session.Config) { c.Name = "a_login" }, "Name: expected a name without _login, ", false},
		{"no TTL", func(c *session.Config) { c.Lifetime.TTL = 0 }, "Lifetime: TTL: 0s; expected a duration above zero", true},
		{"negative MaxTTL", func(c *session.Config) { c.Lifetime.MaxTTL = -1 }, "Lifetime: MaxTTL: -1ns; expected a duration above zero", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := config()
			test.change(&c)
			if _, err := session.NewCookieStore(c); err == nil || !strings.HasPrefix(err.Error(), "session: "+test.want) {
				t.Errorf("NewCookieStore: %v, want an error with %q", err, test.want)
			}
			if _, err := session.NewLogins(c); (err == nil) != test.logins || err != nil && !strings.HasPrefix(err.Error(), "session: "+test.want) {
				t.Errorf("NewLogins: %v, want an error with %q: %v", err, test.want, !test.logins)
			}
		})
	}
}

func TestCheckCookieName(t *testing.T) {
	t.Parallel()
	const (
		token  = "expected a cookie name: letters, digits and ! # $ % & ' * + - . ^ _ ` | ~"
		prefix = "expected a name without __Host- or __Secure-; wxgate puts __Host- before it where it may"
		login  = "expected a name without _login, which tells a login's cookie from a session's"
	)
	tests := []struct{ name, want string }{
		{"wxgate", ""},
		{"a_loginb", ""},
		{"Host-a", ""},
		{"AZaz09!#$%&'*+-.^_`|~", ""},
		{"", token},
		{"a b", token},
		{"a=b", token},
		{"a;b", token},
		{`a"b`, token},
		{`a\b`, token},
		{"a\tb", token},
		{"a\x7f", token},
		{"a\x00", token},
		{"\xff", token},
		{"店", token},
		{"__Host-a", prefix},
		{"__host-a", prefix},
		{"__SECURE-a", prefix},
		{"_login", login},
		{"a_login", login},
		{"a_login_", login},
		{"a_login_b", login},
	}
	for _, test := range tests {
		if err := session.CheckCookieName(test.name); err == nil && test.want != "" || err != nil && err.Error() != test.want {
			t.Errorf("CheckCookieName(%q) = %v, want %q", test.name, err, test.want)
		}
		c := config()
		c.Name = test.name
		store, err := session.NewCookieStore(c)
		if test.name == "" {
			continue // the default
		}
		if (err == nil) != (test.want == "") {
			t.Errorf("NewCookieStore with the name %q = %v, want %q", test.name, err, test.want)
		} else if err == nil && saved(t, store, visitor()).Name != "__Host-"+test.name {
			t.Errorf("the name %q sets another cookie", test.name)
		}
	}
}

func FuzzCookieStoreLoad(f *testing.F) {
	c := config()
	rand.Read(c.Keys[0]) // each process of the fuzzer has a cookie of its own
	store := newStore(f, c)
	good := saved(f, store, visitor())
	f.Add(good.Value)
	f.Add("")
	f.Add("MTIz|junk|x")
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", good.Name+"="+value)
		s, err := store.Load(r)
		if err == nil && value != good.Value && !strings.Contains(good.Value, strings.Trim(value, `" `)) {
			t.Errorf("a cookie that nobody sealed is the session %v", s)
		}
		if err != nil && !errors.Is(err, session.ErrNone) {
			t.Errorf("error %v, want ErrNone", err)
		}
	})
}

// What WeChat said about following survives, and a session without it has the
// form that older releases read.
func TestSessionFollowing(t *testing.T) {
	t.Parallel()
	now := time.Unix(time.Now().Unix(), 0)
	for _, test := range []struct {
		name       string
		subscribed bool
		askedAt    time.Time
		snapshot   bool
		version    byte
	}{
		{name: "not known", version: 1},
		{name: "not known, a snapshot", snapshot: true, version: 1},
		{name: "follows", subscribed: true, askedAt: now, version: 2},
		{name: "does not", askedAt: now, version: 2},
		{name: "does not, a snapshot", askedAt: now, snapshot: true, version: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := visitor()
			s.Subscribed, s.FollowAskedAt, s.SnapshotUser = test.subscribed, test.askedAt, test.snapshot
			data, err := s.MarshalBinary()
			if err != nil || data[0] != test.version {
				t.Errorf("version = %d (%v), want %d", data[0], err, test.version)
			}
			got := session.Session{Subscribed: true, FollowAskedAt: now.Add(time.Hour)} // none of it may stay
			if err := got.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*s, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzSessionBinary(f *testing.F) {
	whole, _ := visitor().MarshalBinary()
	f.Add(whole)
	f.Add(whole[:10])
	follower := visitor()
	follower.Subscribed, follower.FollowAskedAt = true, follower.IssuedAt
	withFollow, _ := follower.MarshalBinary()
	f.Add(withFollow)
	f.Fuzz(func(t *testing.T, data []byte) {
		var s session.Session
		if s.UnmarshalBinary(data) != nil {
			return
		}
		again, err := s.MarshalBinary()
		var same session.Session
		if err != nil || same.UnmarshalBinary(again) != nil || !cmp.Equal(s, same) {
			t.Errorf("%x is read as %v, which is written as %x", data, s, again)
		}
	})
}

func BenchmarkCookieStoreLoad(b *testing.B) {
	store, s := newStore(b, config()), visitor()
	s.UnionID, s.Nickname, s.Avatar, s.Scope = "", "", "", "snsapi_base"
	r := request(saved(b, store, s))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Load(r); err != nil {
			b.Fatal(err)
		}
	}
}
