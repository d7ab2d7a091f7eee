package gateway

import (
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// Two doors answer a proxy that keeps the traffic to itself and only asks:
// {prefix}/auth over HTTP, whose request is the proxy's and describes the
// visitor's, and [Gateway.Authorize], which gets the visitor's.

// headerLoginURL is the header of a 401 that says where to sign in.
const headerLoginURL = "X-Wx-Login-Url"

// asker is what a proxy that asks gets in the answers.
type asker struct {
	redirects bool // page loads that have to sign in are redirected
	assertion bool // beside the identity headers
	token     bool // the access token too
}

// forwardAuth answers a proxy that asks over HTTP: {prefix}/auth, any method. alone is
// whether the gateway has no app of its own.
func (d *doors) forwardAuth(w *recorder, r *http.Request, q *facts, v visitor, alone bool) error {
	setOwnHeaders(w.Header())
	if w.span != nil {
		w.span.setRoute(d.site.prefix + "/auth")
	}
	w.explained.endpoint(d.site.prefix, "/auth")
	o, err := d.askedRequestOf(r, q)
	if err != nil {
		return err
	}
	if o.isDescribed() {
		w.subject = o.Request
	}
	w.explained.asked(o, q)
	redirects := r.URL.Query().Get("redirect") == "true"
	ask := o.question()
	if d.logins.losesCookies(o.Request, o.plainHTTP, v) {
		// Envoy, which cannot ask for redirects, passes them on. nginx does not.
		ask.plainHTTP = o.isDescribed() && (redirects || d.site.afterAuth(r.URL.Path) != "")
	}
	// A page's script can ask too, and a trusted proxy may pass its request on, but then
	// the proxy describes nothing, or the request for this endpoint. Proxies ask for this
	// endpoint as it is written; one that keeps visitors from it may miss other spellings.
	trusted := q.trusted && o.isDescribed() && d.site.isAuth(rawPath(r)) && !d.site.isAuth(o.URL.Path)
	by := asker{
		redirects: redirects,
		assertion: trusted,
		// A script can also describe a request as proxies do. The proxy in front of a
		// gateway with an app of its own passes that on. One that asks lets nobody else
		// ask, see the configurations in deploy.
		token: trusted && alone,
	}
	return d.authorize(w, o.Request, q, ask, v, by)
}

// extAuthz is the door of [Gateway.Authorize].
func (d *doors) extAuthz(w *recorder, r *http.Request, q *facts) error {
	setOwnHeaders(w.Header())
	v := d.site.visitor(r)
	w.session = v.session
	w.Final, w.NoBody = nil, false // nginx asks over HTTP
	if d.own.hasPlainly(r) {
		// The request goes on to this gateway, which decides then. One with an encoded
		// spelling may go to the site: Envoy routes by the path as it was sent.
		w.Outcome, w.session = outcomeOwn, nil
		d.allow(w, r, q, visitor{}, asker{}, false)
		return nil
	}
	w.Final = func(status int, h http.Header) int {
		if status == http.StatusOK {
			d.replaceCookies(h, r.Header)
		}
		return status
	}
	ask := questionOf(r, q.navigation)
	// Envoy sets X-Forwarded-Proto itself. q tells whether Envoy's client is trusted.
	ask.plainHTTP = d.logins.losesCookies(r, forwardedHTTP(r.Header), v)
	return d.authorize(w, r, q, ask, v, asker{redirects: true, assertion: true, token: true})
}

// authorize acts on the verdict about r, a visitor's request that somebody else
// forwards. If page loads are not redirected to the login, a header says where it
// is.
func (d *doors) authorize(w *recorder, r *http.Request, q *facts, ask question, v visitor, by asker) error {
	decided, v := d.decide(w, r, q, &ask, v)
	switch decided.action {
	case passVisitor, passNobody:
		d.allow(w, r, q, v, by, d.site.policy.loadsPage(&ask))
		return nil
	}
	decided = d.endCircle(decided, r, q)
	switch r = d.site.asVisited(r, q); decided.action {
	case useHTTPS:
		d.logins.useHTTPS(w, d.site.pageAtHTTPS(r))
		return nil
	case signIn, openInWeChat:
		return d.askToSignIn(w, r, by.redirects)
	}
	e := d.refusal(decided, v, r)
	if e.Status == http.StatusUnauthorized {
		w.Header().Set(headerLoginURL, e.LoginURL)
	}
	return e
}

// askToSignIn answers a page load r of a visitor who has to sign in. It never
// leads to WeChat itself: the login cookie has to be set by the host that WeChat
// sends the visitor back to, and {prefix}/login may answer with a page instead.
func (d *doors) askToSignIn(w *recorder, r *http.Request, redirects bool) error {
	target := d.site.returnTarget(r)
	address := d.site.loginURL(target, d.site.scope)
	if redirects && !d.logins.before.keepsFragment(r) {
		redirect(w, address)
		return nil
	}
	w.Header().Set(headerLoginURL, address)
	if redirects {
		d.logins.before.readFragment(w, http.StatusUnauthorized, target) // a 2xx would let the request pass
		return nil
	}
	return refusal.Unauthorized(address).In(refusal.FormPage)
}

// allow answers that a request may pass, with the identity headers of v. The
// openid is there in any case: a proxy that copies it overwrites what the client
// sent.
func (d *doors) allow(w *recorder, r *http.Request, q *facts, v visitor, by asker, page bool) {
	h := w.Header()
	h[headers.OpenID] = []string{""}
	if v.session != nil {
		id := identityOf(v.session)
		id.setHeaders(h)
		if by.assertion {
			d.site.setAssertion(h, id)
		}
		if by.token {
			d.site.setAccessToken(h, r, v.session)
		}
	}
	if page {
		// The cookie will travel with the site's answer, which this process does not
		// see. A page is the least likely to be kept by a shared cache.
		d.site.renew(r, h, q, v)
	}
	w.WriteHeader(http.StatusOK)
}

// replaceCookies puts the Cookie header of a request without the gateway's cookies
// into the header of an answer, if the request has such cookies.
func (d *doors) replaceCookies(answer, request http.Header) {
	kept := http.Header{"Cookie": request["Cookie"]}
	d.site.hidden.strip(kept)
	given, left := strings.Join(request["Cookie"], "; "), strings.Join(kept["Cookie"], "; ")
	if left != given {
		answer["Cookie"] = []string{left}
	}
}
