package session_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

func newStore(t testing.TB, c session.Config) *session.CookieStore {
	t.Helper()
	store, err := session.NewCookieStore(c)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// visitor returns a session that began now.
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

// request returns a request with the cookies, without their attributes.
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
	began := &session.Login{State: session.NewState(), BeganAt: time.Now()}
	if err := logins.Begin(request(), header, began); err != nil {
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

// Thousands of cookies by the session's name cost no more than eight.
func TestEightCookiesAreOpened(t *testing.T) {
	t.Parallel()
	store := newStore(t, config())
	good := saved(t, store, visitor())
	c := config()
	c.Keys = session.Keys{key('b')}
	junk := good.Name + "=junk"
	foreign := good.Name + "=" + saved(t, newStore(t, c), visitor()).Value
	valid := good.Name + "=" + good.Value
	many := func(cookie string, n int) string { return strings.Repeat(cookie+"; ", n) }
	for _, test := range []struct {
		name  string
		lines []string
		found bool
	}{
		{"first", []string{valid}, true},
		{"eighth after junk", []string{many(junk, 7) + valid}, true},
		{"ninth after junk", []string{many(junk, 8) + valid}, false},
		{"eighth after another key's", []string{many(foreign, 7) + valid}, true},
		{"ninth after another key's", []string{many(foreign, 8) + valid}, false},
		{"eighth on several lines", []string{many(junk, 4), many(junk, 3), valid}, true},
		{"ninth on several lines", []string{many(junk, 4), many(junk, 4), valid}, false},
		{"ninth after empty ones", []string{many(good.Name+"=", 8) + valid}, false},
		{"ninth after ones without a value", []string{many(good.Name, 8) + valid}, false},
		{"last of 2,900", []string{many(junk, 2899) + valid}, false},
		{"first of 2,900", []string{valid + "; " + many(junk, 2899)}, true},
		{"after 5,000 of the site", []string{many("theme=dark", 5000) + valid}, true},
		{"after many that begin like it", []string{many("__Host-wxgatex=1; __Host-wxgate_login_1=1", 100) + valid}, true},
		{"spaces around", []string{"a=1;\t" + good.Name + "=" + good.Value + " ; b=2"}, true},
		{"quoted", []string{good.Name + `="` + good.Value + `"`}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := request()
			r.Header["Cookie"] = test.lines
			if _, err := store.Load(r); (err == nil) != test.found {
				t.Errorf("Load = %v, want it to find the session: %t", err, test.found)
			}
		})
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
	if err != nil || cookie.Name != "__Host-wxgate" || cookie.MaxAge >= 0 || cookie.Value != "" ||
		!cookie.Secure || cookie.Path != "/" {
		t.Errorf("Delete sets %q, %v", header.Get("Set-Cookie"), err)
	}
}

func FuzzCookieStoreLoad(f *testing.F) {
	c := config()
	rand.Read(c.Keys[0]) // a different cookie in each process of the fuzzer
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
			t.Errorf("a cookie that was not sealed is accepted as the session %v", s)
		}
		if err != nil && !errors.Is(err, session.ErrNone) {
			t.Errorf("error %v, want ErrNone", err)
		}
	})
}

// BenchmarkCookieStoreLoad loads a session from a cookie that has been seen before.
func BenchmarkCookieStoreLoad(b *testing.B) { benchmarkLoad(b, config()) }

func benchmarkLoad(b *testing.B, c session.Config) {
	store, s := newStore(b, c), visitor()
	s.UnionID, s.Nickname, s.Avatar, s.Scope = "", "", "", "snsapi_base"
	r := request(saved(b, store, s))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Load(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCookieStoreLoadOfMany loads no session from thousands of cookies by its
// name.
func BenchmarkCookieStoreLoadOfMany(b *testing.B) {
	store, c := newStore(b, config()), config()
	c.Keys = session.Keys{key('b')}
	foreign := saved(b, newStore(b, c), visitor())
	r := request()
	r.Header.Set("Cookie", strings.Repeat(foreign.Name+"="+foreign.Value+"; ", 2900))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.Load(r); err == nil {
			b.Fatal("a cookie of another key is accepted")
		}
	}
}
