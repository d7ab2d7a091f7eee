package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
)

// renewals is a store that notes whether the requests whose sessions it renews have
// their cookie, by which another store finds the session.
type renewals struct {
	session.Store
	cookies []string
}

func (s *renewals) Renew(r *http.Request, header http.Header, renewed *session.Session) error {
	s.cookies = append(s.cookies, r.Header.Get("Cookie"))
	return s.Store.Renew(r, header, renewed)
}

// Each door renews a session by the visitor's own request, not by the one that the
// site gets.
func TestRenewalByTheVisitorsRequest(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(new(echo))
	t.Cleanup(upstream.Close)
	const path = "/orders"
	for name, serve := range map[string]struct {
		path string
		of   func(*gateway.Gateway) http.Handler
	}{
		"proxy":        {path, func(g *gateway.Gateway) http.Handler { return g }},
		"Wrap":         {path, func(g *gateway.Gateway) http.Handler { return g.Wrap(new(echo)) }},
		"forward auth": {"/_wx/auth" + path, func(g *gateway.Gateway) http.Handler { return g }},
		"ext_authz":    {path, func(g *gateway.Gateway) http.Handler { return http.HandlerFunc(g.Authorize) }},
		"me":           {"/_wx/me", func(g *gateway.Gateway) http.Handler { return g }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := new(renewals)
			g, _ := newGateway(t, nil, func(c *testConfig) {
				c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
				c.TrustedProxies = loopback
				c.Sessions = func(c session.Config) (session.Store, error) {
					cookies, err := session.NewCookieStore(c)
					store.Store = cookies
					return store, err
				}
			})
			cookie := signedIn(t, func(s *session.Session) {
				s.IssuedAt = time.Now().Add(-20 * time.Hour)
				s.RenewedAt = s.IssuedAt
			})
			w := serveDoor(t, serve.of(g), serve.path, doorRequest{
				method: "GET", target: path, header: append([]string{"Cookie", cookie}, asPage...),
			})
			if w.Code != http.StatusOK || len(w.Header()["Set-Cookie"]) == 0 {
				t.Errorf("status %d, Set-Cookie %q, want 200 and a renewed session", w.Code, w.Header()["Set-Cookie"])
			}
			if len(store.cookies) != 1 || !strings.Contains(store.cookies[0], cookie) {
				t.Errorf("renewed by requests with the cookies %q, want one with the session's", store.cookies)
			}
		})
	}
}
