package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

const decideAppID = "wx0123456789abcdef"

func testPolicy(t testing.TB, change ...func(*Site)) policy {
	t.Helper()
	c := Site{
		PublicPaths: []string{"/static/", "/api/public/"},
		APIPaths:    []string{"/api/"},
	}
	for _, f := range change {
		f(&c)
	}
	var errs fieldErrors
	p := newPolicy(c, accounts{official: &wechat.Client{AppID: decideAppID}}, &errs)
	if errs.fields != nil {
		t.Fatal(errs.fields)
	}
	return p
}

// The verdicts, as the table below names them.
var (
	visitorPasses = verdict{action: passVisitor}
	nobodyPasses  = verdict{action: passNobody}
	toWeChat      = verdict{action: signIn}
	toPage        = verdict{action: openInWeChat}
	unauthorized  = verdict{reason: nobody}
	notAllowed    = verdict{reason: deniedOutside}
)

// TestDecide is the whole decision, for all combinations of OutsideWeChat, path
// and client, and for each of them for all kinds of visitors.
func TestDecide(t *testing.T) {
	t.Parallel()
	const ( // the paths
		private   = "/shop"
		public    = "/static/app.js"
		api       = "/api/users"
		publicAPI = "/api/public/news"
		disguised = "/static/../shop"
	)
	const ( // the clients
		weChat  = "page load in WeChat"
		outside = "page load outside"
		script  = "script in WeChat"
		program = "script outside"
	)
	tests := []struct {
		setting OutsideWeChat
		path    string
		client  string
		want    verdict // for a visitor without a session
	}{
		{OutsideRedirect, private, weChat, toWeChat},
		{OutsideRedirect, private, outside, toWeChat},
		{OutsideRedirect, private, script, unauthorized},
		{OutsideRedirect, private, program, unauthorized},
		{OutsidePage, private, weChat, toWeChat},
		{OutsidePage, private, outside, toPage},
		{OutsidePage, private, script, unauthorized},
		{OutsidePage, private, program, unauthorized},
		{OutsideDeny, private, weChat, toWeChat},
		{OutsideDeny, private, outside, notAllowed},
		{OutsideDeny, private, script, unauthorized},
		{OutsideDeny, private, program, unauthorized},

		{OutsideQRConnect, private, weChat, toWeChat},
		{OutsideQRConnect, private, outside, toWeChat},
		{OutsideQRConnect, private, script, unauthorized},
		{OutsideQRConnect, private, program, unauthorized},
		{OutsideQRConnect, public, outside, nobodyPasses},
		{OutsideQRConnect, api, outside, unauthorized},

		{OutsideRedirect, public, weChat, nobodyPasses},
		{OutsideRedirect, public, outside, nobodyPasses},
		{OutsideRedirect, public, script, nobodyPasses},
		{OutsideRedirect, public, program, nobodyPasses},
		{OutsidePage, public, weChat, nobodyPasses},
		{OutsidePage, public, outside, nobodyPasses},
		{OutsidePage, public, script, nobodyPasses},
		{OutsidePage, public, program, nobodyPasses},
		{OutsideDeny, public, weChat, nobodyPasses},
		{OutsideDeny, public, outside, nobodyPasses},
		{OutsideDeny, public, script, nobodyPasses},
		{OutsideDeny, public, program, nobodyPasses},

		{OutsideRedirect, api, weChat, unauthorized},
		{OutsideRedirect, api, outside, unauthorized},
		{OutsideRedirect, api, script, unauthorized},
		{OutsideRedirect, api, program, unauthorized},
		{OutsidePage, api, weChat, unauthorized},
		{OutsidePage, api, outside, unauthorized},
		{OutsidePage, api, script, unauthorized},
		{OutsidePage, api, program, unauthorized},
		{OutsideDeny, api, weChat, unauthorized},
		{OutsideDeny, api, outside, unauthorized},
		{OutsideDeny, api, script, unauthorized},
		{OutsideDeny, api, program, unauthorized},

		{OutsideRedirect, publicAPI, weChat, nobodyPasses},
		{OutsideRedirect, publicAPI, outside, nobodyPasses},
		{OutsideRedirect, publicAPI, script, nobodyPasses},
		{OutsideRedirect, publicAPI, program, nobodyPasses},
		{OutsidePage, publicAPI, outside, nobodyPasses},
		{OutsideDeny, publicAPI, outside, nobodyPasses},

		{OutsideRedirect, disguised, weChat, toWeChat},
		{OutsideRedirect, disguised, script, unauthorized},
		{OutsidePage, disguised, outside, toPage},
		{OutsideDeny, disguised, outside, notAllowed},
		{OutsideRedirect, "/api/a%2Fb", weChat, unauthorized},
		{OutsideRedirect, "", weChat, toWeChat},
		{OutsideRedirect, "*", script, unauthorized},

		// An unknown setting lets nobody in.
		{"other", private, weChat, toWeChat},
		{"other", private, outside, unauthorized},
		{"", private, outside, unauthorized},
	}
	for _, test := range tests {
		p := testPolicy(t)
		p.outside = test.setting
		userAgent := "Mozilla/5.0 wxwork/4.1.22 MicroMessenger/7.0.1" // WeCom's is not WeChat's
		if test.client == weChat || test.client == script {
			userAgent = "Mozilla/5.0 MicroMessenger/8.0.42"
		}
		q := question{
			method:     http.MethodGet,
			path:       test.path,
			navigation: test.client == weChat || test.client == outside,
			userAgent:  userAgent,
		}
		// Public paths are open to everybody; visitors with a session who may not
		// enter are told so, however they ask; nobody signs in for a session that
		// may still exist.
		for a, want := range map[admission]verdict{
			nobody: test.want, admitted: visitorPasses, barred: {reason: barred},
			notFollowing: {reason: notFollowing}, followUnknown: {reason: followUnknown}, storeAway: {reason: storeAway},
		} {
			if test.want == nobodyPasses && a != admitted {
				want = nobodyPasses
			}
			want.page = want != visitorPasses && want != nobodyPasses && q.navigation && !strings.HasPrefix(test.path, "/api/")
			ask := q
			if got := p.decide(&ask, a); got != want {
				t.Errorf("outside %q, %q, %s, admission %d: decide = %+v, want %+v", test.setting, test.path, test.client, a, got, want)
			}
			// By plain http, nobody is sent to the login or told to open the page in WeChat.
			if want.action == signIn || want.action == openInWeChat {
				want.action = useHTTPS
			}
			ask = q
			ask.plainHTTP = true
			if got := p.decide(&ask, a); got != want {
				t.Errorf("outside %q, %q, %s, admission %d, by plain http: decide = %+v, want %+v",
					test.setting, test.path, test.client, a, got, want)
			}
		}
	}
}

// TestAdmission is who may enter, by session, list and following.
func TestAdmission(t *testing.T) {
	t.Parallel()
	const site, scan, other = decideAppID, "wxscan0000000000", "wxother000000000"
	now := time.Now()
	follows := session.Session{AppID: site, Subscribed: true, FollowAskedAt: now.Add(-time.Hour)}
	with := func(s session.Session, change func(*session.Session)) *session.Session {
		change(&s)
		return &s
	}
	open := testPolicy(t)
	snapshotsDenied := testPolicy(t, func(c *Site) { c.DenySnapshotUsers = true })
	followers := testPolicy(t, func(c *Site) { c.RequireFollow = true })
	scanned := open
	scanned.accounts.scan = &wechat.Client{AppID: scan}
	for _, test := range []struct {
		name    string
		policy  policy
		session *session.Session
		err     error
		listed  bool
		want    admission
	}{
		{"no session", open, nil, nil, false, nobody},
		{"no session, followers", followers, nil, nil, false, nobody},
		{"session", open, &session.Session{AppID: site}, nil, false, admitted},
		{"session, listed", open, &session.Session{AppID: site}, nil, true, barred},
		{"session of another account", open, &session.Session{AppID: other}, nil, false, nobody},
		{"session of another account, listed", open, &session.Session{AppID: other}, nil, true, nobody},
		{"session of the scan account, not configured", open, &session.Session{AppID: scan}, nil, false, nobody},
		{"session of the scan account", scanned, &session.Session{AppID: scan}, nil, false, admitted},
		{"store away", open, nil, errors.New("down"), false, storeAway},
		{"store away, followers", followers, nil, errors.New("down"), false, storeAway},
		{"snapshot user", open, &session.Session{AppID: site, SnapshotUser: true}, nil, false, admitted},
		{"snapshot user, denied", snapshotsDenied, &session.Session{AppID: site, SnapshotUser: true}, nil, false, nobody},
		{"snapshot user, followers", followers, with(follows, func(s *session.Session) { s.SnapshotUser = true }), nil, false, nobody},
		{"follower", followers, &follows, nil, false, admitted},
		{"follower, listed", followers, &follows, nil, true, barred},
		{"follower, no one has to", open, &follows, nil, false, admitted},
		{"does not follow", followers, with(follows, func(s *session.Session) { s.Subscribed = false }), nil, false, notFollowing},
		{"does not follow, no one has to", open, with(follows, func(s *session.Session) { s.Subscribed = false }), nil, false, admitted},
		{"WeChat was never asked", followers, &session.Session{AppID: site}, nil, false, followUnknown},
		{"answer of a day ago", followers, with(follows, func(s *session.Session) { s.FollowAskedAt = now.Add(-24 * time.Hour) }), nil, false, followUnknown},
		{"answer of almost a day ago", followers, with(follows, func(s *session.Session) { s.FollowAskedAt = now.Add(time.Minute - 24*time.Hour) }), nil, false, admitted},
	} {
		if got := test.policy.admission(visitor{session: test.session, err: test.err}, test.listed, now); got != test.want {
			t.Errorf("%s: admission %d, want %d", test.name, got, test.want)
		}
	}
}

// What no rule allows is refused.
func TestDecideDefault(t *testing.T) {
	t.Parallel()
	if got := new(policy).decide(new(question), nobody); got != unauthorized {
		t.Errorf("the zero policy on the zero question: decide = %+v, want %+v", got, unauthorized)
	}
	if got := (verdict{}).action; got != refuse {
		t.Errorf("the zero verdict is action %d, want %d", got, refuse)
	}
	if got := new(policy).decide(&question{method: "GET", path: "/", navigation: true}, nobody); got.action != refuse || got.reason != nobody {
		t.Errorf("the zero policy on a page load: decide = %+v, want a refusal", got)
	}
	if got := new(policy).decide(&question{navigation: true}, admission(99)); got.action != refuse {
		t.Errorf("an unknown admission: decide = %+v, want a refusal", got)
	}
}

// TestRefusalByReason is what a visitor who may not enter is told.
func TestRefusalByReason(t *testing.T) {
	t.Parallel()
	s := &site{responder: &responder{common: new(common)}, addresses: *returnAddresses(t)}
	away := visitor{err: refusal.StoreUnavailable(errors.New("down"))}
	for reason, want := range map[admission]string{
		nobody: "401 unauthorized", storeAway: "503 session_store_unavailable", barred: "403 not_allowed",
		deniedOutside: "403 not_allowed", notFollowing: "403 not_following", followUnknown: "503 wechat_unavailable",
		admitted: "401 unauthorized", admission(99): "401 unauthorized",
	} {
		e := s.refusal(reason, away, httptest.NewRequest("GET", "/", nil), "/orders")
		if got := fmt.Sprint(e.Status, " ", e.Word); got != want {
			t.Errorf("reason %d: %s, want %s", reason, got, want)
		}
	}
}

func TestQuestionOf(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/a%2Fb?c=/static/", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 MicroMessenger/8.0.42")
	got := questionOf(r, true)
	if want := (question{method: "POST", path: "/a%2Fb", navigation: true, userAgent: r.UserAgent()}); got != want {
		t.Errorf("questionOf = %+v, want %+v", got, want)
	}
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if !questionOf(r, false).form {
		t.Error("questionOf a form: form = false, want true")
	}
}

// brokenStore is a session store that cannot be asked.
type brokenStore struct{ session.Store }

func (brokenStore) Load(*http.Request) (*session.Session, error) {
	return nil, errors.New("store down")
}

// With the session store away, nobody is let in and nobody is sent to sign in
// again, public paths stay open, and no cookie is touched.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	registry, log := prometheus.NewRegistry(), new(bytes.Buffer)
	g, err := New(Config{Metrics: registry, Logger: zerolog.New(log), Sites: []Site{{
		PublicURL:   "https://h5.example.com",
		Account:     &wechat.Client{AppID: decideAppID},
		CookieKeys:  session.Keys{[]byte("32 random bytes, made once for all")},
		PublicPaths: []string{"/static/"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	g.hosts.only.site.sessions = brokenStore{}
	h := g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, ok := IdentityFrom(r.Context()); ok {
			t.Errorf("%s passes as %+v", r.URL, id)
		}
	}))
	for _, test := range []struct {
		path, accept string
		status       int
		body         string
	}{
		{"/orders", "text/html", 503, "<html"},
		{"/orders", "application/json", 503, `"error":"session_store_unavailable"`},
		{"/static/a", "text/html", 200, ""},
		{"/_wx/me", "text/html", 503, `"error":"session_store_unavailable"`},
		{"/_wx/logout", "text/html", 503, "<html"},
		{"/_wx/auth", "application/json", 503, `"error":"session_store_unavailable"`},
		{"/_wx/login", "text/html", 302, ""},
	} {
		r := httptest.NewRequest("GET", test.path, nil)
		r.Host = "h5.example.com"
		r.Header.Set("Accept", test.accept)
		r.Header.Set("Cookie", "__Host-wxgate=kept")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("GET %s, Accept %s: answer %d %.100q, want %d with %q", test.path, test.accept, w.Code, w.Body, test.status, test.body)
		}
		if w.Code == 503 && w.Header().Get("Retry-After") == "" {
			t.Errorf("GET %s: no Retry-After", test.path)
		}
		if cookie := w.Header().Get("Set-Cookie"); strings.HasPrefix(cookie, "__Host-wxgate=") {
			t.Errorf("GET %s sets %q", test.path, cookie)
		}
	}
	if !strings.Contains(log.String(), `"error":"session_store_unavailable: store down"`) && !strings.Contains(log.String(), "store down") {
		t.Errorf("log %s, want the store's error", log)
	}
}

// Requests that no server would hand on, and forms that few clients use: none
// passes, none panics.
func TestOddRequests(t *testing.T) {
	t.Parallel()
	g, err := New(Config{Sites: []Site{{
		PublicURL:   "https://h5.example.com",
		Account:     &wechat.Client{AppID: decideAppID},
		CookieKeys:  session.Keys{[]byte("32 random bytes, made once for all")},
		PublicPaths: []string{"/static/"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	headers := http.Header{
		"":                  {""},
		"-":                 nil,
		"_":                 {"_"},
		"X-":                {"x"},
		"X-Wx-":             {"x"},
		"X-Wx-Openid":       nil,
		"Cookie":            {"", ";", "=", "=;=", "__Host-wxgate", "__Host-wxgate=", "; ;__Host-wxgate=x;"},
		"Accept":            {"", ";", ",;,=", ";q"},
		"Upgrade":           {},
		"User-Agent":        {},
		"Referer":           {"::"},
		"X-Forwarded-For":   {"", ",", "[", "]", "[]:"},
		"X-Forwarded-Proto": {},
	}
	tests := []struct {
		name        string
		method, uri string
		url         url.URL
		host        string
		remoteAddr  string
		want        int
	}{
		{name: "nothing at all", want: http.StatusBadRequest},
		{name: "empty path", method: "GET", want: http.StatusBadRequest},
		{name: "asterisk", method: "OPTIONS", uri: "*", url: url.URL{Path: "*"}, want: http.StatusBadRequest},
		{name: "asterisk by GET", method: "GET", uri: "*", url: url.URL{Path: "*"}, want: http.StatusBadRequest},
		{name: "relative path", method: "GET", uri: "static/x", url: url.URL{Path: "static/x"}, want: http.StatusBadRequest},
		{name: "opaque", method: "GET", uri: "a:b", url: url.URL{Scheme: "a", Opaque: "b"}, want: http.StatusBadRequest},
		{name: "CONNECT", method: "CONNECT", uri: "h5.example.com:443", url: url.URL{Host: "h5.example.com:443"}, want: http.StatusMethodNotAllowed},
		{name: "CONNECT to a public path", method: "CONNECT", uri: "/static/x", url: url.URL{Path: "/static/x"}, want: http.StatusMethodNotAllowed},
		{name: "TRACE", method: "TRACE", uri: "/static/x", url: url.URL{Path: "/static/x"}, want: http.StatusMethodNotAllowed},
		{name: "absolute form", method: "POST", uri: "http://evil.example/shop", url: url.URL{Scheme: "http", Host: "evil.example", Path: "/shop"}, want: http.StatusUnauthorized},
		{name: "absolute form, public by its host", method: "POST", uri: "http://static/x", url: url.URL{Scheme: "http", Host: "static", Path: "/x"}, want: http.StatusUnauthorized},
		{name: "public address, private path", method: "POST", uri: "/static/x", url: url.URL{Path: "/shop"}, want: http.StatusUnauthorized},
		{name: "no method", uri: "/shop", url: url.URL{Path: "/shop"}, want: http.StatusBadRequest},
		{name: "odd host", method: "POST", uri: "/shop", url: url.URL{Path: "/shop"}, host: "[", want: http.StatusUnauthorized},
		{name: "Unix socket", method: "POST", uri: "/shop", url: url.URL{Path: "/shop"}, remoteAddr: "@", want: http.StatusUnauthorized},
		{name: "odd peer", method: "POST", uri: "/shop", url: url.URL{Path: "/shop"}, remoteAddr: "[::1%]:x", want: http.StatusUnauthorized},
		{name: "bad encoding", method: "POST", uri: "/static/%", url: url.URL{Path: "/static/%"}, want: http.StatusUnauthorized},
		{name: "NUL", method: "POST", uri: "/static/\x00", url: url.URL{Path: "/static/\x00"}, want: http.StatusUnauthorized},
	}
	for _, test := range tests {
		for _, h := range []http.Header{nil, headers} {
			t.Run(fmt.Sprintf("%s, %d headers", test.name, len(h)), func(t *testing.T) {
				t.Parallel()
				r := &http.Request{Method: test.method, RequestURI: test.uri, URL: &test.url, Host: test.host, RemoteAddr: test.remoteAddr, Header: h.Clone()}
				w := httptest.NewRecorder()
				g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it passed") })).ServeHTTP(w, r)
				if w.Code != test.want {
					t.Errorf("status %d, want %d", w.Code, test.want)
				}
			})
		}
	}
}

// A public path with the oddest headers passes, without them.
func TestOddHeadersPass(t *testing.T) {
	t.Parallel()
	s := &site{responder: &responder{common: new(common)}, addresses: *returnAddresses(t), hidden: ownCookies(true)}
	h := http.Header{"": {""}, "-": nil, "X_Wx_": {"x"}, "X-Wx-Openid": nil, "Cookie": {"", ";", "=", "__Host-wxgate"}, "Forwarded": nil, "X-Real-Ip": nil}
	s.prepare(h, &http.Request{Header: h.Clone()}, new(facts), visitor{})
	for name := range h {
		switch name {
		case "", "-", "Cookie", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id":
		default:
			t.Errorf("header %q is still there", name)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p := testPolicy(b)
	for _, bench := range []struct {
		name      string
		path      string
		admission admission
	}{
		{"signed in", "/shop", admitted},
		{"public", "/static/app.js", nobody},
		{"api", "/api/users", nobody},
		{"login", "/shop", nobody},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			q := question{method: http.MethodGet, path: bench.path, navigation: true, userAgent: "Mozilla/5.0 MicroMessenger/8.0.42"}
			for b.Loop() {
				q.public, q.api = match{}, match{}
				p.decide(&q, bench.admission)
			}
		})
	}
}
