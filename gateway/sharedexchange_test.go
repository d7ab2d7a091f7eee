package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// onceSite is a site with two replicas that share a Redis.
type onceSite struct {
	*loginSite
	server   *redistest.Server
	replicas [2]http.Handler
	asked    atomic.Int32  // how often WeChat was asked
	hold     atomic.Bool   // WeChat answers no exchange until answers is closed
	answers  chan struct{} // see hold
}

// newOnceSite makes a site that keeps its sessions in Redis or in cookies. configure,
// which may be nil, changes the configuration of both replicas.
func newOnceSite(t *testing.T, inRedis bool, options redistest.Options, configure func(*testConfig)) *onceSite {
	t.Helper()
	s := &onceSite{server: redistest.Start(t, options), answers: make(chan struct{})}
	s.loginSite = newLoginSite(t, func(c *testConfig) {
		client, network := redisClient(t, s.server), newTransport(t)
		if inRedis {
			c.Sessions = func(c session.Config) (session.Store, error) { return client.Sessions(c, 0) }
		}
		c.Exchanges = func(c session.Config) gateway.Exchanges { return client.Exchanges(c, time.Minute) }
		c.Account.Timeout = time.Minute
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == exchangePath {
				s.asked.Add(1)
				if s.hold.Load() {
					<-s.answers
				}
			}
			return network.RoundTrip(r)
		})
		if configure != nil {
			configure(c)
		}
	})
	s.replicas = [2]http.Handler{s.gateway, s.replica(s.config())}
	return s
}

// request returns a page load with cookies at an address.
func (s *onceSite) request(cookies []*http.Cookie, address string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// login begins a login of a visitor, and returns a function that makes its callback.
func (s *onceSite) login(visitor string) func() *http.Request {
	s.t.Helper()
	b := s.browser()
	b.Visitor = visitor
	address := s.callbackAddress(b, "/a")
	cookies := b.Jar.Cookies(mustURL(s.t, s.url))
	return func() *http.Request { return s.request(cookies, address) }
}

// wantSession checks that an answer leads to the page /a, with a session of the visitor
// that both replicas take.
func (s *onceSite) wantSession(a *answer, openID string) {
	s.t.Helper()
	if a.StatusCode != http.StatusFound || a.location() != "/a#" {
		s.t.Errorf("status %d to %.60q, want 302 to /a#", a.StatusCode, a.location())
		return
	}
	for _, replica := range s.replicas {
		page := answerTo(replica, s.request(a.Cookies(), s.url+"/a"))
		if got := echoOf(s.t, page).Header.Get("X-Wx-Openid"); got != openID {
			s.t.Errorf("the site gets the openid %q, want %q", got, openID)
		}
	}
}

// eachStore runs a test with the sessions in cookies and in Redis.
func eachStore(t *testing.T, test func(t *testing.T, inRedis bool)) {
	for name, inRedis := range map[string]bool{"cookie": false, "redis": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, inRedis)
		})
	}
}

// The same callback at two replicas at the same time brings the session twice, and WeChat
// is asked once.
func TestReplicasExchangeOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, visitor string
		change        func(*testConfig)
		profiles      int // calls for one
	}{
		{"openid", "lihua", nil, 0},
		{"profile", "lihua", func(c *testConfig) { c.Scope = wechat.ScopeUserInfo }, 1},
		{"web token", "lihua", func(c *testConfig) { c.PassAccessToken = c.Sessions != nil }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			eachStore(t, func(t *testing.T, inRedis bool) {
				s := newOnceSite(t, inRedis, redistest.Options{}, tt.change)
				const rounds = 4
				for range rounds {
					callback := s.login(tt.visitor)
					var answers [2]*answer
					var asking sync.WaitGroup
					for i, replica := range s.replicas {
						asking.Go(func() { answers[i] = answerTo(replica, callback()) })
					}
					asking.Wait()
					for _, a := range answers {
						s.wantSession(a, s.openID(tt.visitor))
					}
				}
				s.wantExchanges(rounds)
				if got := s.wx.Calls(userInfoPath); got != rounds*tt.profiles {
					t.Errorf("%d profiles were asked for, want %d", got, rounds*tt.profiles)
				}
			})
		})
	}
}

// So it is while WeChat is slow, after the first client has left, and one after the
// other.
func TestReplicasExchangeOnceInTurn(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, inRedis bool) {
		s := newOnceSite(t, inRedis, redistest.Options{}, nil)
		callback := s.login("lihua")
		s.hold.Store(true)
		ctx, leave := context.WithCancel(t.Context())
		answers := make(chan *answer, 2)
		go func() { answers <- answerTo(s.replicas[0], callback().WithContext(ctx)) }()
		eventually(t, "WeChat is asked", func() bool { return s.asked.Load() == 1 })
		leave()
		go func() { answers <- answerTo(s.replicas[1], callback()) }()
		time.AfterFunc(200*time.Millisecond, func() { close(s.answers) }) // the second waits, most likely
		<-answers
		<-answers
		for _, replica := range s.replicas {
			s.wantSession(answerTo(replica, callback()), s.openID("lihua"))
		}
		s.wantExchanges(1)

		for name := range strings.FieldsSeq(s.server.Do(t, "KEYS", "*")) {
			text := name
			if strings.HasPrefix(name, "wxgate:result:") {
				text += s.server.Do(t, "GET", name)
			}
			query := queryOf(t, callback().URL.String())
			for _, secret := range []string{query.Get("state"), query.Get("code"), s.openID("lihua")} {
				if strings.Contains(text, secret) {
					t.Errorf("Redis shows a secret of the login in %s", name)
				}
			}
		}
		if keys := s.server.Do(t, "KEYS", "wxgate:lock:*"); keys != "" {
			t.Errorf("locks after the login: %q", keys)
		}
	})
}

// An error is not passed on: the other replica sends the code for itself.
func TestReplicasDoNotShareErrors(t *testing.T) {
	t.Parallel()
	s := newOnceSite(t, false, redistest.Options{}, nil)
	callback := s.login("lihua")
	s.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultResetBefore})
	wantPage(t, answerTo(s.replicas[0], callback()), 503, headingWeChatAway)
	s.wantSession(answerTo(s.replicas[1], callback()), s.openID("lihua"))
}

// Without Redis a login goes on, under the cookie store, for which it needs none.
func TestExchangeWithoutRedis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		lose func(*testing.T, *redistest.Server)
	}{
		{"paused", func(_ *testing.T, r *redistest.Server) { r.Pause() }},
		{"stopped", func(_ *testing.T, r *redistest.Server) { r.Stop() }},
		{"full", func(t *testing.T, r *redistest.Server) { r.Do(t, "CONFIG", "SET", "maxmemory", "1") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newOnceSite(t, false, redistest.Options{Real: true}, nil)
			during, before := s.login("lihua"), s.login("lihua")
			s.hold.Store(true)
			answers := make(chan *answer)
			go func() { answers <- answerTo(s.replicas[0], during()) }()
			eventually(t, "WeChat is asked", func() bool { return s.asked.Load() == 1 })
			tt.lose(t, s.server)
			close(s.answers)
			s.wantSession(<-answers, s.openID("lihua"))
			s.wantSession(answerTo(s.replicas[1], before()), s.openID("lihua"))
		})
	}
}

// A result that was altered in Redis, or is another login's, is ignored.
func TestAlteredExchange(t *testing.T) {
	t.Parallel()
	for name, alter := range map[string]func(record, other string) string{
		"altered":         func(record, _ string) string { return strings.ToUpper(record[:20]) + record[20:] + "x" },
		"cut":             func(record, _ string) string { return record[:len(record)/2] },
		"empty":           func(string, string) string { return "" },
		"another login's": func(_, other string) string { return other },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOnceSite(t, false, redistest.Options{}, nil)
			const results = "wxgate:result:*"
			s.wantSession(answerTo(s.replicas[0], s.login("tom")()), s.openID("tom"))
			key := s.server.Do(t, "KEYS", results)
			other := s.server.Do(t, "GET", key)
			s.server.Do(t, "DEL", key)
			callback := s.login("lihua")
			s.wantSession(answerTo(s.replicas[0], callback()), s.openID("lihua"))
			key = s.server.Do(t, "KEYS", results)
			s.server.Do(t, "SET", key, alter(s.server.Do(t, "GET", key), other))
			a := answerTo(s.replicas[1], callback())
			if a.StatusCode != 302 || !strings.HasPrefix(a.location(), s.weChatURL) {
				t.Errorf("status %d to %q, want a new login: the code is used up", a.StatusCode, a.location())
			}
			s.wantExchanges(3)
		})
	}
}

// Each replica asks its own rules about a session of another one's exchange.
func TestSharedExchangeIsChecked(t *testing.T) {
	t.Parallel()
	revoked := new(revoker)
	for _, tt := range []struct {
		name, visitor string
		change        func(*onceSite, *testConfig)
		between       func(*onceSite)
		want          func(*testing.T, *onceSite, *answer)
	}{
		{"denied", "lihua", func(s *onceSite, c *testConfig) {
			c.DenyOpenIDsFile = openIDList(t, s.openID("lihua"))
		}, nil, wantBarred},
		{"snapshot", "snapshot", func(_ *onceSite, c *testConfig) { c.DenySnapshotUsers = true }, nil, wantBarred},
		{"revoked", "lihua", func(_ *onceSite, c *testConfig) { c.Revocations = revoked },
			func(s *onceSite) { revoked.revoke(s.openID("lihua")) },
			func(t *testing.T, s *onceSite, a *answer) {
				if a.StatusCode != 302 || !strings.HasPrefix(a.location(), s.weChatURL) {
					t.Errorf("status %d to %q, want a new login", a.StatusCode, a.location())
				}
			}},
		{"another key", "lihua", func(_ *onceSite, c *testConfig) {
			c.CookieKeys = append(session.Keys{randomKey(9)}, c.CookieKeys...)
		}, nil,
			func(_ *testing.T, s *onceSite, a *answer) {
				if a.StatusCode != 302 || a.location() != "/a#" {
					t.Errorf("status %d to %q, want the session", a.StatusCode, a.location())
				}
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newOnceSite(t, false, redistest.Options{}, nil)
			c := s.config()
			tt.change(s, &c)
			s.replicas[1] = s.replica(c)
			callback := s.login(tt.visitor)
			if a := answerTo(s.replicas[0], callback()); a.location() != "/a#" {
				t.Fatalf("status %d to %q, want the session", a.StatusCode, a.location())
			}
			if tt.between != nil {
				tt.between(s)
			}
			tt.want(t, s, answerTo(s.replicas[1], callback()))
			s.wantExchanges(1)
		})
	}
}

// wantBarred checks that an answer refuses the visitor and sets no session.
func wantBarred(t *testing.T, _ *onceSite, a *answer) {
	t.Helper()
	if a.StatusCode != http.StatusForbidden || len(a.cookies("wxgate=")) > 0 {
		t.Errorf("status %d, cookies %v, want 403 and no session", a.StatusCode, a.Cookies())
	}
}

// Two replicas of a hub give a ticket each for the same callback, after one exchange.
func TestHubReplicasExchangeOnce(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	w := newHubWorld(t, hubSetup{hub: func(c *testConfig) {
		client := redisClient(t, server)
		c.Exchanges = func(c session.Config) gateway.Exchanges { return client.Exchanges(c, time.Minute) }
	}})
	b := w.browser("lihua")
	callback := w.redirectTo(b, w.shop1.url+"/a", w.hub.url+"/_wx/callback?")
	twin := w.copyOf(b)
	w.redirectTo(b, callback, w.shop1.url+"/_wx/callback?code=")
	w.hub.use(w.hub.replica(w.hub.config()))
	ticket := w.redirectTo(twin, callback, w.shop1.url+"/_wx/callback?code=")
	w.wantSite(w.shop1.open(twin, ticket), w.shop1, "/a", "lihua")
	w.hub.wantExchanges(1)
}
