package gateway_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/hub"
	"github.com/wxgate/wxgate/session"
)

// A revoker is the revocations of a test, in memory.
type revoker struct {
	mu       sync.Mutex
	newest   uint64
	byOpenID map[string]uint64
	asked    func() // called once, after the next login has its generation
}

func (r *revoker) Revoked(s *session.Session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.Generation < r.byOpenID[s.OpenID]
}

func (r *revoker) Generation() uint64 {
	r.mu.Lock()
	generation, asked := r.newest, r.asked
	r.asked = nil
	r.mu.Unlock()
	if asked != nil {
		asked()
	}
	return generation
}

func (r *revoker) revoke(openID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byOpenID == nil {
		r.byOpenID = make(map[string]uint64)
	}
	r.newest++
	r.byOpenID[openID] = r.newest
}

// onceAsked has f called when the next login has its generation.
func (r *revoker) onceAsked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = f
}

// Through every door, a revoked session is none. Nobody else's is touched.
func TestRevokedSessionIsNone(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	site := new(echo)
	upstream := httptest.NewServer(site)
	t.Cleanup(upstream.Close)
	g, r := newGateway(t, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
		c.PublicPaths = []string{"/static/"}
		c.TrustedProxies = loopback
		c.Revocations = revoked
	})
	revoked.revoke(rigOpenID) // before the logins of the new sessions
	older := signedIn(t)
	newer := signedIn(t, func(s *session.Session) { s.Generation = revoked.Generation() })
	other := signedIn(t, func(s *session.Session) { s.OpenID = "oOther" })
	doors := fourDoors(t, g, site)
	page := append(slices.Clone(asPage), "Cookie")
	script := append(slices.Clone(fromScript), "Cookie")
	for _, tt := range []struct {
		name    string
		target  string
		header  []string // without its last value
		cookie  string
		want    doorAnswer
		outcome string
	}{
		{"page load", "/orders", page, older, doorAnswer{status: 302, login: true}, "login"},
		{"script", "/orders", script, older, doorAnswer{status: 401}, "unauthorized"},
		{"public path", "/static/a", script, older, doorAnswer{passes: true}, "public"},
		{"a later session", "/orders", script, newer, doorAnswer{passes: true, openID: rigOpenID}, "proxied"},
		{"another visitor", "/orders", script, other, doorAnswer{passes: true, openID: "oOther"}, "proxied"},
	} {
		for _, door := range doors {
			if got := door.send(t, doorRequest{"GET", tt.target, append(tt.header, tt.cookie)}); got != tt.want {
				t.Errorf("%s, through %s: %+v, want %+v", tt.name, door.name, got, tt.want)
			}
			line := r.lines.next(t)
			if _, named := line["user"]; line["outcome"] != tt.outcome || named != (tt.outcome == "proxied") {
				t.Errorf("%s, through %s: access line %v, want outcome %s", tt.name, door.name, line, tt.outcome)
			}
		}
	}
}

// The gateway's own endpoints know a revoked visitor no longer.
func TestRevokedAtOwnEndpoints(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	rig := newRig(t, new(echo), func(c *testConfig) { c.Revocations = revoked })
	cookie := signedIn(t, renewedAgo(13*time.Hour)) // due
	revoked.revoke(rigOpenID)
	a := rig.do(t, "GET", "/_wx/me", append(slices.Clone(fromScript), "Cookie", cookie)...)
	wantRefusal(t, a, 401, "unauthorized")
	if len(a.cookies("")) > 0 {
		t.Errorf("/me sets %q for a revoked session, want no cookie", a.Header["Set-Cookie"])
	}
	a = rig.do(t, "GET", "/_wx/callback?code=c&state=s", append(slices.Clone(asPage), "Cookie", cookie)...)
	wantPage(t, a, 400, headingRestart)
	a = rig.do(t, "GET", "/_wx/logout", append(slices.Clone(asPage), "Cookie", cookie)...)
	if a.StatusCode != 200 || strings.Contains(a.body, "<form") {
		t.Errorf("/logout = %d %s, want the page of who is signed out", a.StatusCode, a.body)
	}
}

// A visitor who signs in after the revocation has a new session, in the same second
// too.
func TestLoginAfterRevocation(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	s := newLoginSite(t, func(c *testConfig) { c.Revocations = revoked })
	b := s.browser()
	for n := range 3 {
		s.signIn(b)
		s.wantExchanges(n + 1)
		if page := s.open(b, s.url+"/again"); page.Status != 200 || len(page.Hops) != 1 {
			t.Fatalf("round %d: the new session is asked to sign in", n)
		}
		revoked.revoke(s.openID("lihua"))
	}
}

// A revocation while a login is under way ends that login. The visitor gets a session
// by the next one, which starts without it.
func TestRevocationDuringALogin(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	s := newLoginSite(t, func(c *testConfig) { c.Revocations = revoked })
	revoked.onceAsked(func() { revoked.revoke(s.openID("lihua")) })
	b := s.browser()
	page := s.open(b, s.url+"/shop")
	if page.Status != 200 || page.Header.Get("From-Upstream") == "" || page.URL.Path != "/shop" {
		t.Errorf("ends with %d at %s, want the site", page.Status, page.URL)
	}
	s.wantExchanges(2)

	revoked.onceAsked(func() { revoked.revoke(s.openID("lihua")) })
	scripted := s.browser()
	code, state := s.pageCode(scripted, "/shop")
	a := s.postCode(scripted, code, state)
	wantRefusal(t, a, 400, "invalid_code")
	if a.sessionCookie() != "" {
		t.Errorf("a login that was revoked sets a session: %q", a.Header["Set-Cookie"])
	}
}

// A callback that comes again does not bring back the session of the first one after
// a revocation.
func TestRevokedExchangeIsForgotten(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	s := newLoginSite(t, func(c *testConfig) { c.Revocations = revoked })
	b := s.browser()
	code, state := s.pageCode(b, "/shop")
	unanswered := s.copyOf(b) // whom the answer does not reach
	s.wantVisitor(s.postCode(b, code, state), b, s.openID("lihua"))
	revoked.revoke(s.openID("lihua"))
	a := s.postCode(unanswered, code, state)
	wantRefusal(t, a, 400, "invalid_code")
	if a.sessionCookie() != "" {
		t.Errorf("the repeated login sets a session: %q", a.Header["Set-Cookie"])
	}
	s.wantExchanges(1)
	wantRefusal(t, s.postCode(b, code, state), 400, "invalid_state") // whom it reached
}

// A hub gives no ticket for a revoked visitor when a callback comes again, and tells
// the sites nothing of its generations, which older releases cannot read.
func TestRevokedAtTheHub(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	w := newHubWorld(t, hubSetup{hub: func(c *testConfig) { c.Revocations = revoked }})
	revoked.revoke("oSomebodyElse")
	b := w.browser("lihua")
	callback := w.redirectTo(b, w.shop1.url+"/a", w.hub.url+"/_wx/callback?")
	ticket := w.redirectTo(b, callback, w.shop1.url+"/_wx/callback?code=")
	tickets, err := hub.New(hubKey())
	if err != nil {
		t.Fatal(err)
	}
	q := queryOf(t, ticket)
	told, err := tickets.Open(q.Get("code"), w.shop1.url, q.Get("state"))
	if err != nil || told.OpenID != w.hub.openID("lihua") || told.Generation != 0 {
		t.Errorf("the ticket tells of %+v (%v), want the visitor without a generation", told, err)
	}

	again := w.redirectTo(b, callback, w.shop1.url+"/_wx/callback?")
	if queryOf(t, again).Get("code") == "" {
		t.Error("a repeated callback brings no ticket")
	}
	revoked.revoke(w.hub.openID("lihua"))
	again = w.redirectTo(b, callback, w.shop1.url+"/_wx/callback?")
	if queryOf(t, again).Get("code") != "" {
		t.Error("a repeated callback brings a ticket after the revocation")
	}
}

// Sites behind a hub end sessions by their own revocations.
func TestRevokedAtASiteOfAHub(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	w := newHubWorld(t, hubSetup{shop1: func(c *testConfig) { c.Revocations = revoked }})
	b := w.browser("lihua")
	w.wantSite(w.shop1.open(b, w.shop1.url+"/a"), w.shop1, "/a", "lihua")
	revoked.revoke(w.shop1.openID("lihua"))
	w.wantNobody(b, w.shop1)
	w.wantSite(w.shop1.open(b, w.shop1.url+"/a"), w.shop1, "/a", "lihua")
	w.wantSite(w.shop1.open(b, w.shop1.url+"/b"), w.shop1, "/b", "lihua")
}

// The WebSocket of a revoked visitor is closed with status 1008, others stay open.
func TestRevokedWebSocket(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	rig := newRig(t, greeter(t), func(c *testConfig) {
		c.Revocations, c.PublicPaths = revoked, []string{"/public"}
	})
	dial := func(path, cookie string) *websocket.Conn {
		options := &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {cookie}}}
		conn, _, err := websocket.Dial(t.Context(), rig.URL+path, options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.CloseNow() })
		return conn
	}
	mine, mineToo := dial("/", signedIn(t)), dial("/", signedIn(t))
	others := map[string]*websocket.Conn{
		"another visitor": dial("/", signedIn(t, func(s *session.Session) { s.OpenID = "oOther" })),
		"a later session": dial("/", signedIn(t, func(s *session.Session) { s.Generation = 1 })),
		"nobody":          dial("/public", "a=b"),
	}
	revoked.revoke(rigOpenID)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, conn := range []*websocket.Conn{mine, mineToo} {
		_, message, err := conn.Read(ctx)
		if got := websocket.CloseStatus(err); got != websocket.StatusPolicyViolation {
			t.Errorf("read %q, %v, want a close frame 1008", message, err)
		}
	}
	for name, conn := range others {
		if err := conn.Write(ctx, websocket.MessageText, []byte("hello")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, got, err := conn.Read(ctx); err != nil || !strings.HasSuffix(string(got), " hello") {
			t.Errorf("%s: read %q, %v, want the message", name, got, err)
		}
	}
}

// An event stream ends before the first event after the revocation.
func TestRevokedEventStream(t *testing.T) {
	t.Parallel()
	revoked, next := new(revoker), make(chan string)
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		http.NewResponseController(w).Flush()
		for {
			select {
			case data := <-next:
				fmt.Fprintf(w, "data: %s\n\n", data)
				http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}), func(c *testConfig) { c.Revocations = revoked })
	res, err := rig.Client().Transport.RoundTrip(rig.newRequest(t, "GET", "/events", nil, "Cookie", signedIn(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	next <- "first"
	first := make([]byte, len("data: first\n\n"))
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "data: first\n\n" {
		t.Fatalf("read %q, %v", first, err)
	}
	revoked.revoke(rigOpenID)
	next <- "secret"
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("after the revocation the visitor gets %q (%v), want the end", rest, err)
	}
}

// A renewed session keeps the generation of its login.
func TestRenewalKeepsTheGeneration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		revoked := new(revoker)
		s := newLoginMemorySite(t, func(c *testConfig) { c.Revocations = revoked })
		b := s.browser()
		s.signIn(b)
		revoked.revoke("oSomebodyElse") // a renewal could take over this generation
		time.Sleep(13 * time.Hour)
		if me := s.me(b); me.OpenID == "" {
			t.Fatal("the session has ended")
		}
		u, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		store, err := session.NewCookieStore(session.Config{
			Keys: s.config().CookieKeys, Site: s.url, AppID: s.config().Account.AppID, Secure: true, Lifetime: rigLifetime,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range b.Jar.Cookies(u) {
			r.AddCookie(c)
		}
		renewed, err := store.Load(r)
		if err != nil || renewed.Generation != 0 || !renewed.RenewedAt.After(renewed.IssuedAt) {
			t.Errorf("renewed session %+v (%v), want generation 0", renewed, err)
		}
	})
}
