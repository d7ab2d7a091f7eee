package gateway_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// signedIn returns the cookie of a visitor of the rig whose session has the token, nil
// for none.
func (m *memorySessions) signedIn(t testing.TB, token *session.WebToken) string {
	t.Helper()
	store, err := m.open(session.Config{
		Keys: rigKeys(), Site: rigOrigin, AppID: rigAppID, Secure: true, Lifetime: rigLifetime,
	})
	if err != nil {
		t.Fatal(err)
	}
	now, h := time.Now(), make(http.Header)
	s := &session.Session{
		AppID: rigAppID, OpenID: rigOpenID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now, Token: token,
	}
	if err := store.Save(httptest.NewRequest("GET", "/", nil), h, s); err != nil {
		t.Fatal(err)
	}
	pair, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	return pair
}

// rigToken is the access token of the rig's visitor.
const rigToken = "98_access-token-of-the-visitor"

// freshWebToken returns a token that works for two hours.
func freshWebToken() *session.WebToken {
	now := time.Now()
	return &session.WebToken{
		Access: rigToken, ExpiresAt: now.Add(2 * time.Hour),
		Refresh: "98_refresh-token-of-the-visitor", RefreshUntil: now.Add(30 * 24 * time.Hour),
	}
}

// tokenSpoofs are spellings of the header that a client might send; empty: it does not.
var tokenSpoofs = []string{
	"", "X-WX-Access-Token", "x-wx-access-token", "X_WX_ACCESS_TOKEN", "X-WX_Access-Token", "X.WX.Access.Token",
}

// Every door passes the access token of a visitor who has one, on public paths too. None
// passes the client's.
func TestAccessTokenThroughEveryDoor(t *testing.T) {
	t.Parallel()
	site, sessions := new(echo), newMemorySessions()
	upstream := httptest.NewServer(site)
	t.Cleanup(upstream.Close)
	g, _ := newGateway(t, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
		c.PublicPaths = []string{"/static/"}
		c.TrustedProxies = loopback
		c.Sessions, c.PassAccessToken = sessions.open, true
	})
	client := newExtAuthz(t, g)
	asked, _ := newGateway(t, nil, func(c *testConfig) {
		c.PublicPaths = []string{"/static/"}
		c.TrustedProxies = loopback
		c.Sessions, c.PassAccessToken = sessions.open, true
	})
	echoed := func(h http.Handler) func(doorRequest) http.Header {
		return func(q doorRequest) http.Header {
			w := serveDoor(t, h, q.target, q)
			return echoOf(t, &answer{w.Result(), w.Body.String()}).Header
		}
	}
	doors := map[string]func(doorRequest) http.Header{
		"proxy": echoed(g),
		"Wrap":  echoed(g.Wrap(site)),
		"forward auth": func(q doorRequest) http.Header {
			return serveDoor(t, asked, "/_wx/auth"+q.target, q).Header()
		},
		"ext_authz": func(q doorRequest) http.Header {
			answer, err := client.Check(t.Context(), checkOf(q))
			if err != nil {
				t.Fatal(err)
			}
			h := make(http.Header)
			for pair := range slices.Chunk(q.header, 2) {
				h[strings.ToLower(pair[0])] = []string{pair[1]}
			}
			for _, name := range answer.GetOkResponse().GetHeadersToRemove() {
				delete(h, name)
			}
			for _, set := range answer.GetOkResponse().GetHeaders() {
				h[set.GetHeader().GetKey()] = []string{headerValue(set.GetHeader())}
			}
			return h
		},
	}
	with, without := sessions.signedIn(t, freshWebToken()), sessions.signedIn(t, nil)
	for door, through := range doors {
		for _, spoof := range tokenSpoofs {
			for _, tt := range []struct {
				name, target, cookie string
				want                 []string
			}{
				{"token", "/orders", with, []string{rigToken}},
				{"token, public path", "/static/a", with, []string{rigToken}},
				{"no token", "/orders", without, nil},
				{"no session", "/static/a", "", nil},
				{"tampered session", "/static/a", with + "x", nil},
			} {
				q := doorRequest{method: "GET", target: tt.target}
				if tt.cookie != "" {
					q.header = append(q.header, "Cookie", tt.cookie)
				}
				if spoof != "" {
					q.header = append(q.header, spoof, "forged")
				}
				var got []string
				for name, values := range through(q) {
					if strings.EqualFold(strings.Map(hyphen, name), "X-WX-Access-Token") {
						got = append(got, values...)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("%s, %s, %q forged: the site gets %q, want %q", door, tt.name, spoof, got, tt.want)
				}
			}
		}
	}
}

// hyphen maps the bytes that servers take for a hyphen.
func hyphen(c rune) rune {
	if c == '_' || c == '.' {
		return '-'
	}
	return c
}

// No answer to a browser, log line or metric holds an access token or a refresh token,
// whatever WeChat answers to a renewal.
func TestAccessTokenIsNotDisclosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire := &secretWire{secrets: make(map[string]string)}
		s := newTokenSite(t, func(c *testConfig) {
			wire.network, c.Account.Transport = c.Account.Transport, wire
			c.Account.AppSecret = wechattest.StockAppSecret
		})
		hostile := append(slices.Clone(secretHostile), nil)
		for _, answer := range hostile {
			b := s.browser()
			s.signIn(b)
			code, state := s.pageCode(s.copyOf(b), "/guest")
			s.postCode(b, code, state)
			time.Sleep(116 * time.Minute)
			wire.set(refreshPath, answer)
			s.settledToken(b)
			time.Sleep(3 * time.Hour)
			s.settledToken(b)
			for _, target := range []string{
				"/_wx/me", "/_wx/auth", "/_wx/auth/shop", "/_wx/auth?redirect=true", "/_wx/config", "/_wx/logout",
			} {
				s.get(b, target, asScript)
			}
			s.do(b, http.MethodPost, "/_wx/logout", nil)
			wire.set("", nil)
		}
		secrets := make(map[string]string)
		for value, kind := range wire.secrets {
			if kind == "access_token" || kind == "refresh_token" {
				secrets[value] = kind
			}
		}
		if len(secrets) < 2*len(hostile) {
			t.Fatalf("%d tokens on the wire: the test checks nothing", len(secrets))
		}
		search, seen := newSecretSearch(secrets), 0
		search.in(t, "log", s.log.String())
		families, err := s.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		search.in(t, "metrics", fmt.Sprint(families))
		for _, a := range s.answers {
			if a.fromUpstream() {
				if search.find(string(a.body), "refresh_token") == "access_token" {
					seen++
				}
				search.in(t, "request of the upstream", string(a.body), "access_token")
				continue
			}
			search.in(t, fmt.Sprintf("answer %d of %s", a.status, a.path), fmt.Sprint(a.header, string(a.body)))
		}
		if seen < len(hostile) {
			t.Errorf("%d requests of the upstream had a token: the test checks nothing", seen)
		}
	})
}

// A site that signs its visitors in through a hub gets no token, and the hub's ticket
// holds none.
func TestAccessTokenThroughAHub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pass := func(c *testConfig) { c.Sessions, c.PassAccessToken = newMemorySessions().open, true }
		w := newHubWorld(t, hubSetup{hub: pass, shop1: pass})
		b := w.shop1.browser()
		h := w.shop1.signIn(b).Header
		if openID, token := h.Get("X-Wx-Openid"), h["X-Wx-Access-Token"]; openID == "" || token != nil {
			t.Errorf("the site gets openid %q and token %q, want an openid alone", openID, token)
		}
	})
}
