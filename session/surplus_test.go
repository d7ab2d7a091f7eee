package session_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/session"
)

// maxLoginBytes is the size of all login cookies of a browser in its Cookie header,
// maxSetCookieBytes that of the Set-Cookie lines of one response.
const maxLoginBytes, maxSetCookieBytes = 4096, 3584

// A phone is a browser that sends cookies in the order in which it got them.
type phone struct{ cookies []*http.Cookie }

func (p *phone) request() *http.Request { return request(p.cookies...) }

func (p *phone) take(t *testing.T, header http.Header) {
	t.Helper()
	for _, line := range header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		p.set(c)
	}
}

// set keeps, replaces or removes one cookie.
func (p *phone) set(c *http.Cookie) {
	for i, old := range p.cookies {
		switch {
		case old.Name == c.Name && c.MaxAge < 0:
			p.cookies = append(p.cookies[:i:i], p.cookies[i+1:]...)
			return
		case old.Name == c.Name:
			p.cookies[i] = c
			return
		}
	}
	if c.MaxAge >= 0 {
		p.cookies = append(p.cookies, c)
	}
}

// bytes is the size of the Cookie header.
func (p *phone) bytes() int { return len(p.request().Header.Get("Cookie")) }

// begin begins a login that leads to returnTo, from request r, and returns it with
// the headers of the response.
func (p *phone) begin(
	t *testing.T, logins *session.Logins, r *http.Request, returnTo string,
) (*session.Login, http.Header) {
	t.Helper()
	time.Sleep(time.Millisecond) // of the bubble's clock
	login, header := newLogin(returnTo), make(http.Header)
	if err := logins.Begin(r, header, login); err != nil {
		t.Fatal(err)
	}
	if got := setCookieBytes(header); got > maxSetCookieBytes {
		t.Errorf("Set-Cookie lines of %d bytes, want %d at most", got, maxSetCookieBytes)
	}
	p.take(t, header)
	return login, header
}

// finish spends a login.
func (p *phone) finish(t *testing.T, logins *session.Logins, login *session.Login) {
	t.Helper()
	header := make(http.Header)
	if err := logins.Spend(header, login); err != nil {
		t.Fatal(err)
	}
	p.take(t, header)
}

func newLogin(returnTo string) *session.Login {
	login := &session.Login{State: session.NewState(), ReturnTo: returnTo, Scope: "snsapi_userinfo", BeganAt: time.Now()}
	if !strings.HasPrefix(returnTo, "/") {
		login.SiteState = session.NewState()
	}
	return login
}

func setCookieBytes(header http.Header) (n int) {
	for _, line := range header["Set-Cookie"] {
		n += len("Set-Cookie: " + line + "\r\n")
	}
	return n
}

// longTarget returns an address of n bytes that begins with start.
func longTarget(start string, n int) string { return start + strings.Repeat("x", n-len(start)) }

// Whatever addresses a browser's tabs have, the newest logins remain, as many as
// fit.
func TestLoginCookiesOfOneBrowser(t *testing.T) {
	t.Parallel()
	const site = "https://shop1.example.cn/"
	domain := func(c *session.Config) { c.Domain = "example.com" }
	plain := func(c *session.Config) { c.Secure = false }
	longName := func(c *session.Config) { c.Name = strings.Repeat("n", 64) }
	tests := []struct {
		name      string
		change    func(*session.Config)
		addresses []string // of logins that begin one after the other
		remain    int      // how many of the last ones do
	}{
		{"none", nil, nil, 0},
		{"short", nil, lengths(20, 20, 20, 20, 20, 20, 20, 20), 5},
		{"of 250 bytes", nil, lengths(250, 250, 250, 250, 250, 250), 5},
		{"of 400 bytes", nil, lengths(400, 400, 400, 400, 400, 400), 5},
		{"of 1000 bytes", nil, lengths(1000, 1000, 1000, 1000, 1000), 2},
		{"of 1900 bytes", nil, lengths(1900, 1900, 1900, 1900, 1900), 1},
		{"longest", nil, lengths(2000, 2000, 2000, 2000, 2000), 1},
		{"longest of another site", nil, []string{longTarget(site, 2000), longTarget(site, 2000)}, 1},
		{"longest after short", nil, lengths(20, 20, 20, 20, 20, 2000), 5},
		{"longest after middling", nil, lengths(470, 470, 470, 470, 470, 2000), 2},
		{"short after longest", nil, lengths(2000, 20, 20, 20), 4},
		{"the oldest goes, though a smaller one would do", nil, lengths(20, 1000, 1000, 1000), 2},
		{"longest, for a domain", domain, lengths(470, 470, 470, 470, 470, 2000), 2},
		{"longest, on plain http", plain, lengths(20, 20, 20, 20, 20, 2000), 5},
		{"longest, long name", longName, lengths(20, 20, 20, 20, 20, 2000), 4},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				logins, p := loginsOf(t, test.change), &phone{}
				p.set(&http.Cookie{Name: "theme", Value: "dark"})
				begun := make([]*session.Login, 0, len(test.addresses))
				for _, address := range test.addresses {
					login, _ := p.begin(t, logins, p.request(), address)
					begun = append(begun, login)
					if got := p.bytes() - len("theme=dark; "); got > maxLoginBytes || len(p.cookies) > 6 {
						t.Errorf("%d login cookies of %d bytes, want 5 of %d at most", len(p.cookies)-1, got, maxLoginBytes)
					}
				}
				for i, login := range begun {
					got, ok := logins.Find(p.request(), login.State)
					if want := len(begun)-i <= test.remain; ok != want {
						t.Errorf("login %d of %d remains: %t, want %t", i+1, len(begun), ok, want)
					} else if ok && got.ReturnTo != login.ReturnTo {
						t.Errorf("login %d leads to %q, want %q", i+1, got.ReturnTo, login.ReturnTo)
					}
				}
				if p.cookies[0].Name != "theme" {
					t.Error("the site's cookie is gone")
				}
			})
		})
	}
}

// lengths returns addresses of so many bytes.
func lengths(bytes ...int) (addresses []string) {
	for _, n := range bytes {
		addresses = append(addresses, longTarget("/goods?", n))
	}
	return addresses
}

func loginsOf(t *testing.T, change func(*session.Config)) *session.Logins {
	t.Helper()
	c := config()
	if change != nil {
		change(&c)
	}
	logins, err := session.NewLogins(c)
	if err != nil {
		t.Fatal(err)
	}
	return logins
}

// A spent login keeps a short address only.
func TestSpentLoginIsShort(t *testing.T) {
	t.Parallel()
	const site = "https://shop1.example.cn"
	tests := []struct{ name, returnTo, want string }{
		{"short", "/a?b=%2B", "/a?b=%2B"},
		{"256 bytes", longTarget("/", 256), longTarget("/", 256)},
		{"257 bytes", longTarget("/", 257), "/"},
		{"longest", longTarget("/", 2000), "/"},
		{"with a URL in its query", longTarget("/a?u=https://evil.example/", 2000), "/"},
		{"two slashes", longTarget("//a/", 2000), "/"},
		{"URL of 256 bytes", longTarget(site+"/", 256), longTarget(site+"/", 256)},
		{"long URL", longTarget(site+"/a/b?c#", 2000), site + "/"},
		{"long URL with a port", longTarget(site+":8443/a", 2000), site + ":8443/"},
		{"long URL without a path", longTarget(site+"?", 2000), site + "/"},
		{"long URL, fragment alone", longTarget(site+"#", 2000), site + "/"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			logins, p := newLogins(t), &phone{}
			login := newLogin(test.returnTo)
			login.AppID = "wx0123456789abcdef"
			p.finish(t, logins, login)
			got, ok := logins.Find(p.request(), login.State)
			if !ok || !got.Spent || got.ReturnTo != test.want || got.SiteState != login.SiteState {
				t.Errorf("spent login = %+v, %t, want it spent, leading to %q", got, ok, test.want)
			}
			if p.bytes() > 700 {
				t.Errorf("spent login of %d bytes, want 700 at most", p.bytes())
			}
			if login.Spent || login.ReturnTo != test.returnTo {
				t.Errorf("Spend changed its argument into %+v", login)
			}
		})
	}
}

// Cookies that are not ours to open go first, but only if there is no room.
func TestForeignLoginCookies(t *testing.T) {
	t.Parallel()
	const prefix = "__Host-wxgate_login_"
	large := strings.Repeat("A", 3500)
	junk := func(name string, bytes int) *http.Cookie {
		return &http.Cookie{Name: prefix + name, Value: strings.Repeat("A", bytes)}
	}
	tests := []struct {
		name    string
		foreign []*http.Cookie // newer than two logins of the visitor
		address string         // of the login that then begins
		kept    int            // foreign cookies that are there after it
		found   [2]bool        // the visitor's logins
	}{
		{"small", []*http.Cookie{junk("a", 9), junk("b", 9)}, "/", 2, [2]bool{true, true}},
		{"one too many", []*http.Cookie{junk("a", 9), junk("b", 9), junk("c", 9)}, "/", 2, [2]bool{true, true}},
		{"large", []*http.Cookie{junk("a", 3500)}, "/", 0, [2]bool{true, true}},
		{"large for a long login", []*http.Cookie{junk("a", 900)}, longTarget("/", 2000), 0, [2]bool{true, true}},
		{"like a login's", []*http.Cookie{junk("0123456789abcdef", 3500)}, "/", 0, [2]bool{true, true}},
		{"compact", []*http.Cookie{{Name: prefix + "a", Value: "1|" + large + "|AAAA"}}, "/", 0, [2]bool{true, true}},
		{"twice by one name", []*http.Cookie{junk("a", 2000), junk("a", 2000)}, "/", 0, [2]bool{true, true}},
		{"the site's", []*http.Cookie{{Name: "__Host-wxgate_theme", Value: large}}, "/", 1, [2]bool{true, true}},
		{"name too long to be removed", []*http.Cookie{junk(strings.Repeat("n", 3900), 0)}, "/", 1, [2]bool{}},
		{"name that no browser keeps", []*http.Cookie{junk("a b", 9), junk("c", 9), junk("d", 9)}, "/", 2,
			[2]bool{true, true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				logins, p := newLogins(t), &phone{}
				first, _ := p.begin(t, logins, p.request(), "/1")
				second, _ := p.begin(t, logins, p.request(), "/2")
				r := p.request()
				for _, c := range test.foreign {
					r.Header.Set("Cookie", r.Header.Get("Cookie")+"; "+c.Name+"="+c.Value)
					p.set(c)
				}
				third, header := p.begin(t, logins, r, test.address)
				for i, login := range []*session.Login{first, second} {
					if _, ok := logins.Find(p.request(), login.State); ok != test.found[i] {
						t.Errorf("login %d remains: %t, want %t", i+1, ok, test.found[i])
					}
				}
				if _, ok := logins.Find(p.request(), third.State); !ok {
					t.Error("the new login is not found")
				}
				kept := 0
				for _, c := range p.cookies {
					if slices.ContainsFunc(test.foreign, func(f *http.Cookie) bool { return f.Name == c.Name }) {
						kept++
					}
				}
				if kept != test.kept {
					t.Errorf("%d foreign cookies remain, want %d; Set-Cookie %.300q", kept, test.kept, header["Set-Cookie"])
				}
			})
		})
	}
}

// Tabs that are opened at the same time send the same cookies: no response removes
// what the others add. The next login removes what is too much.
func TestLoginsBegunAtTheSameTime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ tabs, before, bytes, remain int }{
		{2, 4, 20, 5}, {2, 5, 20, 5}, {20, 0, 20, 5}, {20, 0, 300, 5}, {9, 0, 1000, 2}, {4, 0, 2000, 1},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				logins, p := newLogins(t), &phone{}
				address := longTarget("/", test.bytes)
				for range test.before {
					p.begin(t, logins, p.request(), address)
				}
				r := p.request()
				var begun []*session.Login
				for range test.tabs {
					login, _ := p.begin(t, logins, r, address)
					begun = append(begun, login)
				}
				for _, login := range begun {
					if _, ok := logins.Find(p.request(), login.State); !ok {
						t.Error("a login is gone that began at the same time as the others")
					}
				}
				last, _ := p.begin(t, logins, p.request(), address)
				begun = append(begun, last)
				for i, login := range begun {
					if _, ok := logins.Find(p.request(), login.State); ok != (len(begun)-i <= test.remain) {
						t.Errorf("login %d of %d remains: %t", i+1, len(begun), ok)
					}
				}
				if len(p.cookies) > 5 || p.bytes() > maxLoginBytes {
					t.Errorf("%d login cookies of %d bytes, want 5 of %d at most", len(p.cookies), p.bytes(), maxLoginBytes)
				}
			})
		})
	}
}

// A login whose code is refused is spent and begins again in the same response.
func TestLoginBegunAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		others []string // addresses of the other tabs
		target string
		spent  bool // whether the spent login has room
	}{
		{"alone", nil, "/a", true},
		{"long", nil, longTarget("/", 2000), true},
		{"among short ones", lengths(20, 20, 20), "/a", true},
		{"the sixth", lengths(20, 20, 20, 20), "/a", false},
		{"long, the sixth", lengths(20, 20, 20, 20), longTarget("/", 2000), false},
		{"long, of another site", lengths(20, 20, 20, 20), longTarget("https://shop1.example.cn/", 2000), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				logins, p := newLogins(t), &phone{}
				for _, address := range test.others {
					p.begin(t, logins, p.request(), address)
				}
				refused, _ := p.begin(t, logins, p.request(), test.target)
				header, again := make(http.Header), *refused
				if err := logins.Spend(header, refused); err != nil {
					t.Fatal(err)
				}
				again.State = session.NewState()
				if err := logins.Begin(p.request(), header, &again); err != nil {
					t.Fatal(err)
				}
				names := map[string]bool{}
				for _, line := range header["Set-Cookie"] {
					name, _, _ := strings.Cut(line, "=")
					if names[name] {
						t.Errorf("%s is set twice in one response", name)
					}
					names[name] = true
				}
				if got := setCookieBytes(header); got > maxSetCookieBytes {
					t.Errorf("Set-Cookie lines of %d bytes, want %d at most", got, maxSetCookieBytes)
				}
				p.take(t, header)
				if len(p.cookies) > 5 || p.bytes() > maxLoginBytes {
					t.Errorf("%d login cookies of %d bytes, want 5 of %d at most", len(p.cookies), p.bytes(), maxLoginBytes)
				}
				if got, ok := logins.Find(p.request(), again.State); !ok || got.ReturnTo != test.target {
					t.Error("the login that begins again is not found")
				}
				if got, ok := logins.Find(p.request(), refused.State); ok != test.spent || ok && !got.Spent {
					t.Errorf("the refused login = %+v, %t, want it there: %t, and spent", got, ok, test.spent)
				}
			})
		})
	}
}
