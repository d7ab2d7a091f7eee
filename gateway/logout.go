package gateway

import (
	"net/http"

	"github.com/wxgate/wxgate/gateway/internal/pages"
)

// logoutPage asks whether to sign out: GET {prefix}/logout. It changes
// nothing: WeChat's scanners and previews open addresses too.
func (g *guard) logoutPage(w http.ResponseWriter, r *http.Request) error {
	v := visitOf(r.Context())
	if v.storeErr != nil {
		return v.storeErr
	}
	target := g.returnTo(r.URL.Query().Get("return_to"))
	if v.session == nil {
		g.pages.Render(w, r, http.StatusOK, pages.SignedOut, pages.Data{LoginURL: g.loginURL(target, g.scope)})
		return nil
	}
	g.pages.Render(w, r, http.StatusOK, pages.SignOut, pages.Data{
		LogoutAction: g.prefix + "/logout",
		ReturnTo:     target,
	})
	return nil
}

// maxLogoutForm bounds the form of a sign-out, in bytes.
const maxLogoutForm = 16 << 10

// logout ends the session: POST {prefix}/logout.
func (g *guard) logout(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogoutForm)
	target := g.returnTo(r.FormValue("return_to")) // a form that cannot be read names no place
	if err := g.sessions.Delete(r, w.Header()); err != nil {
		g.metrics.storeErrors.Inc()
		return &failure{Status: http.StatusServiceUnavailable, Word: wordStoreUnavailable, Err: err, RetryAfter: retryAfter}
	}
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
