package gateway_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// redisSessions returns a [gateway.Site.Sessions] of a replica's own connection.
func redisSessions(t *testing.T, server *redistest.Server) func(session.Config) (session.Store, error) {
	t.Helper()
	client := redisClient(t, server)
	return func(c session.Config) (session.Store, error) { return client.Sessions(c, 0) }
}

// redisClient returns a replica's own connection.
func redisClient(t *testing.T, server *redistest.Server) *redisstore.Client {
	t.Helper()
	var address redisstore.Address
	if err := address.UnmarshalText([]byte(server.URL())); err != nil {
		t.Fatal(err)
	}
	client, err := redisstore.New(redisstore.Config{Address: address, Logger: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { client.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	eventually(t, "redis answers", func() bool { return client.Status().Answered })
	return client
}

// redisTokenSite is a site on the network that gets its visitors' access tokens, with
// two replicas that share a Redis.
type redisTokenSite struct {
	*loginSite
	server   *redistest.Server
	replicas [2]http.Handler
	asked    atomic.Int32  // how often WeChat was asked for another token
	answers  chan struct{} // closed: WeChat answers
}

// newRedisTokenSite makes a site whose visitors get tokens with the given life in
// seconds at the login, and of two hours later, once s.answers is closed.
func newRedisTokenSite(t *testing.T, life string) *redisTokenSite {
	t.Helper()
	s := &redisTokenSite{server: redistest.Start(t), answers: make(chan struct{})}
	s.loginSite = newLoginSite(t, func(c *testConfig) {
		network := newTransport(t)
		c.Account.Timeout = time.Minute
		c.Account.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == refreshPath {
				s.asked.Add(1)
				<-s.answers
			}
			res, err := network.RoundTrip(r)
			if err != nil || r.URL.Path != exchangePath {
				return res, err
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			text := strings.Replace(string(body), `"expires_in":7200`, `"expires_in":`+life, 1)
			res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			return res, err
		})
		c.Sessions, c.PassAccessToken = redisSessions(t, s.server), true
	})
	s.replicas = [2]http.Handler{s.gateway, s.replica(s.config())}
	s.wx.SetSwitches(wechattest.Switches{RotateRefresh: true})
	return s
}

// login signs a visitor in without opening a page of the site.
func (s *redisTokenSite) login() *wechattest.Browser {
	s.t.Helper()
	b := s.browser()
	s.get(b, s.callbackAddress(b, "/shop"))
	return b
}

// burst loads n pages at the replicas in turn, all at a time, and returns how often the
// site got each access token.
func (s *redisTokenSite) burst(b *wechattest.Browser, n int) map[string]int {
	s.t.Helper()
	var loading sync.WaitGroup
	var mu sync.Mutex
	tokens := make(map[string]int)
	cookies := b.Jar.Cookies(mustURL(s.t, s.url))
	for i := range n {
		loading.Go(func() {
			r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/shop", nil)
			if err != nil {
				s.t.Error(err)
				return
			}
			for _, c := range cookies {
				r.AddCookie(c)
			}
			a := answerTo(s.replicas[i%2], r)
			mu.Lock()
			defer mu.Unlock()
			tokens[echoOf(s.t, a).Header.Get("X-Wx-Access-Token")]++
		})
	}
	loading.Wait()
	return tokens
}

// works reports whether WeChat takes a token of the visitor.
func (s *redisTokenSite) works(token string) bool {
	c := &wechat.Client{AppID: wechattest.StockAppID, APIURL: s.weChatURL}
	return c.CheckToken(s.t.Context(), wechat.Secret(token), s.openID("lihua")) == nil
}

// Many requests at two replicas with a token that is about to end get it while it is
// renewed, once over both.
func TestRedisAccessTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	s := newRedisTokenSite(t, "240")
	b := s.login()
	former := s.burst(b, 60)
	if len(former) != 1 || former[""] > 0 {
		t.Fatalf("%d different tokens while WeChat is asked, want the former one alone", len(former))
	}
	eventually(t, "WeChat is asked", func() bool { return s.asked.Load() > 0 })
	close(s.answers)
	var renewed map[string]int
	eventually(t, "both replicas pass one other token", func() bool {
		renewed = s.burst(b, 10)
		for token := range renewed {
			if former[token] > 0 {
				return false
			}
		}
		return len(renewed) == 1
	})
	for token := range renewed {
		if !s.works(token) {
			t.Errorf("WeChat does not take the new token")
		}
	}
	s.burst(b, 60)
	if got := s.asked.Load(); got != 1 {
		t.Errorf("%d renewals, want 1", got)
	}
}

// Many requests at two replicas of a visitor whose token has ended wait for one renewal.
func TestRedisAccessTokenAfterAnAbsence(t *testing.T) {
	t.Parallel()
	s := newRedisTokenSite(t, "0")
	close(s.answers)
	b := s.login()
	tokens := s.burst(b, 60)
	if got := s.wx.Calls(refreshPath); got != 1 {
		t.Errorf("%d renewals, want 1", got)
	}
	delete(tokens, "") // a request may have waited in vain on a slow machine
	if len(tokens) > 1 {
		t.Errorf("%d different tokens, want one", len(tokens))
	}
	eventually(t, "both replicas pass a token that works", func() bool {
		for token := range s.burst(b, 2) {
			if !s.works(token) {
				return false
			}
		}
		return true
	})
}

// A sign-out on one replica during the renewal on the other is final.
func TestRedisAccessTokenSignOutDuringRenewal(t *testing.T) {
	t.Parallel()
	s := newRedisTokenSite(t, "240")
	b := s.login()
	s.burst(b, 1)
	eventually(t, "WeChat is asked", func() bool { return s.asked.Load() == 1 })
	if keys := s.server.Do(t, "KEYS", "wxgate:session:*"); keys == "" {
		t.Fatal("no session in Redis: the test checks nothing")
	}
	before := s.copyOf(b)
	s.use(s.replicas[1])
	if a := s.do(b, http.MethodPost, "/_wx/logout", nil); a.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-out: status %d", a.StatusCode)
	}
	close(s.answers)
	eventually(t, "the renewal has ended", func() bool { return s.server.Do(t, "KEYS", "wxgate:lock:*") == "" })
	if keys := s.server.Do(t, "KEYS", "wxgate:session:*"); keys != "" {
		t.Errorf("sessions in Redis after the sign-out: %q", keys)
	}
	for _, replica := range s.replicas {
		s.use(replica)
		eventually(t, "the old cookie is no session", func() bool {
			return s.get(before, "/shop", asScript).StatusCode == http.StatusUnauthorized
		})
	}
}

// After a refusal neither replica passes the token or asks again.
func TestRedisAccessTokenRefused(t *testing.T) {
	t.Parallel()
	s := newRedisTokenSite(t, "240")
	b := s.login()
	close(s.answers)
	s.wx.Fault(wechattest.Fault{Path: refreshPath, Mode: wechattest.FaultErrcode, Code: 40030})
	s.burst(b, 20)
	eventually(t, "neither replica passes a token", func() bool {
		tokens := s.burst(b, 10)
		return tokens[""] == 10
	})
	s.burst(b, 20)
	if got := s.wx.Calls(refreshPath); got != 1 {
		t.Errorf("WeChat was asked %d times, want once", got)
	}
}
