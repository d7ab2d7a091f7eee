package gateway

import (
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// logoutPage asks whether to sign out: GET {prefix}/logout. It changes nothing:
// WeChat's scanners and previews open addresses too.
func (e *endpoints) logoutPage(w *recorder, r *http.Request, q *facts, v visitor) error {
	s := e.site
	if e.logins.leadsToHTTPS(w, r, q, v) { // their session may be there
		return nil
	}
	if v.err != nil {
		return v.err
	}
	target := s.returnTo(r.URL.Query().Get("return_to"))
	if v.session == nil {
		s.pages.Render(w, r, http.StatusOK, pages.SignedOut, pages.Data{LoginURL: s.loginURL(target, s.scope)})
		return nil
	}
	s.pages.Render(w, r, http.StatusOK, pages.SignOut, pages.Data{
		LogoutAction: s.prefix + "/logout",
		ReturnTo:     target,
	})
	return nil
}

// maxLogoutForm limits the form of a sign-out, in bytes.
const maxLogoutForm = 16 << 10

// logout ends the session: POST {prefix}/logout. By plain http there is none to end,
// so it leads to the page that asks whether to sign out, at https.
func (e *endpoints) logout(w *recorder, r *http.Request, q *facts, v visitor) error {
	r = limitBody(w, r, maxLogoutForm)
	target := e.site.returnTo(r.FormValue("return_to")) // an unreadable form names none
	if e.logins.losesCookies(r, q.plainHTTP, v) {
		target = e.site.publicURL + e.site.prefix + "/logout?return_to=" + url.QueryEscape(target)
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	if err := e.site.sessions.Delete(r, w.Header()); err != nil {
		e.site.counters.storeErrors.Inc()
		return refusal.StoreUnavailable(err)
	}
	w.Header().Set("Location", withFragment(target)) // the login may have led here
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
