package gateway

import (
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

// Two doors answer for a proxy that keeps the traffic to itself and only asks:
// {prefix}/auth, over HTTP, whose request is the proxy's and tells of the
// visitor's; and [Gateway.Authorize], which is given the visitor's.

// headerLoginURL tells, with a 401, where to sign in.
const headerLoginURL = "X-Wx-Login-Url"

// isAuth reports whether a path is that of forward auth.
func (s *shared) isAuth(path string) bool {
	return path == s.prefix+"/auth" || s.behindAuth(path) != ""
}

// behindAuth returns what stands behind {prefix}/auth in a path, with the slash
// that it begins with; "" where nothing does.
func (s *shared) behindAuth(path string) string {
	if behind, ok := strings.CutPrefix(path, s.prefix+"/auth"); ok && strings.HasPrefix(behind, "/") {
		return behind
	}
	return ""
}

// forwardAuth answers a proxy that asks over HTTP: {prefix}/auth, with any
// method.
func (g *guard) forwardAuth(w http.ResponseWriter, r *http.Request) {
	w = g.answerTo(w, r)
	v := visitOf(r.Context())
	v.outcome = "" // that of the request which is asked about
	o, err := g.original(r, v)
	if err == nil {
		if o.RequestURI != "" {
			v.original = o.Request
		}
		err = g.authorize(w, o.Request, v, o.asked(), r.URL.Query().Get("redirect") == "true")
	}
	if err != nil {
		g.fail(w, r, err)
	}
}

// extAuthz is the door of [Gateway.Authorize].
func (g *guard) extAuthz(w *recorder, r *http.Request, v *visit) error {
	setOwnHeaders(w.Header())
	if path := rawPath(r); g.ownPaths.Match(r.Method, path) && !strings.Contains(path, "%") {
		// On its way to this gateway, which asks for itself. An encoded spelling
		// may be on its way to the site: Envoy routes by the path as it was sent.
		v.outcome, v.session = outcomeOwn, nil
		g.allow(w, r, v)
		return nil
	}
	w.before = func(h http.Header) {
		if w.status == http.StatusOK {
			g.replaceCookies(h, r.Header)
		}
	}
	return g.authorize(w, r, v, askedBy(r, v), true)
}

// authorize acts on the decision about r, a visitor's request that somebody else
// forwards. Where redirects is set, page loads that have to sign in are sent to
// the login instead of being told where it is.
func (g *guard) authorize(w http.ResponseWriter, r *http.Request, v *visit, a asked, redirects bool) error {
	what, err := g.judge(w, r, v, a)
	if err != nil {
		return err
	}
	if what == forwardVisitor || what == forwardNobody {
		g.allow(w, r, v)
		return nil
	}
	target := g.callingPage(r)
	if what != refuse {
		target = g.returnTo(g.returnTarget(r))
	}
	// Never to WeChat itself: the cookie of a login has to be set by the host
	// that WeChat sends the visitor back to, and the login may have a page to
	// show instead.
	address := g.loginURL(target, g.scope)
	switch {
	case what != refuse && redirects && g.keepsFragment(r):
		w.Header().Set(headerLoginURL, address)
		g.readFragment(w, http.StatusUnauthorized, target) // any 2xx would let the request pass
	case what != refuse && redirects:
		redirect(w, address)
	default:
		w.Header().Set(headerLoginURL, address)
		return &failure{Status: http.StatusUnauthorized, Word: wordUnauthorized, LoginURL: address}
	}
	return nil
}

// allow answers that a request may pass, with what is known of its visitor. The
// openid is there in any case: a proxy that copies it overwrites what the client
// sent.
func (g *guard) allow(w http.ResponseWriter, r *http.Request, v *visit) {
	h := w.Header()
	h[headers.OpenID] = []string{""}
	if v.session != nil {
		g.setIdentity(h, v.session)
	}
	if v.navigation {
		// The cookie will travel with the site's answer, which this process does
		// not see: a page's is the least likely to be kept by a shared cache.
		g.renew(r, h, v)
	}
	w.WriteHeader(http.StatusOK)
}

// replaceCookies sets, in the header of an answer, what the Cookie header of a
// request is to be replaced by, where the gateway's own have to go.
func (g *guard) replaceCookies(answer, request http.Header) {
	kept := http.Header{"Cookie": request["Cookie"]}
	g.stripCookies(kept)
	before, after := strings.Join(request["Cookie"], "; "), strings.Join(kept["Cookie"], "; ")
	if after != before {
		answer["Cookie"] = []string{after}
	}
}

// answerTo is w, or where nginx asks for forward auth, a [subrequestAnswer]
// before it.
func (s *shared) answerTo(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if s.isAuth(r.URL.Path) && fromNginx(r.Header) {
		return &subrequestAnswer{w}
	}
	return w
}

// subrequestAnswer is an answer to nginx's auth_request, which closes the
// connection over a body, and makes a failure of its own of each status but
// 2xx, 401 and 403. The 302 is for whoever wants it, by redirect=true.
type subrequestAnswer struct{ http.ResponseWriter }

func (w *subrequestAnswer) WriteHeader(status int) {
	switch status {
	case http.StatusOK, http.StatusFound, http.StatusUnauthorized, http.StatusForbidden:
	default:
		status = http.StatusForbidden
	}
	h := w.Header()
	for _, name := range []string{"Content-Type", "Content-Language", "Content-Security-Policy", "Vary"} {
		delete(h, name)
	}
	h.Set("Content-Length", "0")
	w.ResponseWriter.WriteHeader(status)
}

func (w *subrequestAnswer) Write(b []byte) (int, error) { return len(b), nil }
