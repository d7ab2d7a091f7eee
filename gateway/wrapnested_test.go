package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
)

// A gateway inside another one gives its handler its own visitor, not that of the
// gateway around it.
func TestWrapInsideAnotherGateway(t *testing.T) {
	t.Parallel()
	inner, _ := newGateway(t, nil, func(c *testConfig) { c.PublicPaths = []string{"/{$}"} })
	outer, _ := newGateway(t, nil, func(c *testConfig) { c.CookieName = "outer" })
	config := session.Config{Keys: rigKeys(), Site: rigOrigin, AppID: rigAppID, Name: "outer", Secure: true, Lifetime: rigLifetime}
	outerCookie := sessionCookie(t, config, &session.Session{AppID: rigAppID, OpenID: "oOUTER"})
	var got gateway.Identity
	h := outer.Wrap(inner.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = gateway.IdentityFrom(r.Context())
	})))
	for cookie, want := range map[string]string{outerCookie: "", outerCookie + "; " + signedIn(t): rigOpenID} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", rigOrigin+"/", nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusOK || got.OpenID != want {
			t.Errorf("answer %d, IdentityFrom = %+v, want 200 and openid %q", w.Code, got, want)
		}
	}
}
