package gateway

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// doors holds one site and what its entry points need. Each entry point, called a
// door, asks the site for a verdict on a request and turns it into an answer.
type doors struct {
	site      *site
	logins    *logins
	own       *endpoints
	upstreams app // nil: there are none
	warnings  askedWarnings
	index     int // in Config.Sites
}

// A door handles the requests of one entry point.
type door func(d *doors, w *recorder, r *http.Request, q *facts) error

// serve answers r through the given door.
func (d *doors) serve(w http.ResponseWriter, r *http.Request, through door) {
	d.site.respond(w, r, func(w *recorder, r *http.Request, q *facts) error { return d.open(w, r, q, through) })
}

// open lets r through the given door if it is readable.
func (d *doors) open(w *recorder, r *http.Request, q *facts, through door) error {
	if err := checkReadable(r); err != nil {
		return err
	}
	return through(d, w, r, q)
}

// proxy is the door of [Gateway.ServeHTTP].
func (d *doors) proxy(w *recorder, r *http.Request, q *facts) error {
	return d.enter(w, r, q, d.upstreams)
}

// app is what a door forwards requests to.
type app interface {
	// forward passes on r of visitor v to the app of site s. q holds the facts about
	// r; ask is the question that the site decided.
	forward(s *site, w *recorder, r *http.Request, q *facts, ask question, v visitor) error
}

// enter answers requests for the gateway's own endpoints, and forwards others to
// next if they may pass. A nil next: the site has no app.
func (d *doors) enter(w *recorder, r *http.Request, q *facts, next app) error {
	if !isOneLength(r) { // not for extAuthz, whose requests come without their body
		return refusal.InvalidRequest(nil)
	}
	v := w.explained.visitor(d.site, r, d.site.visitor(r))
	w.session = v.session
	switch {
	case d.site.isAuth(r.URL.Path):
		return d.forwardAuth(w, r, q, v, next == nil)
	case d.own.has(r.URL.Path):
		w.Outcome = outcomeOwn
		return d.own.answer(w, r, q, v)
	case next == nil:
		return refusal.NotFound()
	default:
		return d.pass(w, r, q, v, next)
	}
}

// pass acts on the verdict about a request for the site.
func (d *doors) pass(w *recorder, r *http.Request, q *facts, v visitor, next app) error {
	ask := questionOf(r, q.navigation)
	ask.plainHTTP = d.logins.losesCookies(r, q.plainHTTP, v)
	decided, v := d.decide(w, r, q, &ask, v)
	switch decided.action {
	case passVisitor, passNobody:
		err := d.forward(w, r, q, ask, v, next)
		if err != nil && !errors.Is(err, errVisitorLeft) {
			err = refusal.Of(err).In(formOf(d.site.policy.showsPage(&ask)))
		}
		return err
	}
	decided = d.endCircle(decided, r, q)
	switch r = d.site.asVisited(r, q); decided.action {
	case useHTTPS:
		d.logins.useHTTPS(w, d.site.pageAtHTTPS(r))
		return nil
	case signIn:
		return d.logins.signIn(w, r, q)
	case openInWeChat:
		d.logins.before.openInWeChat(w, r, d.site.absolute(d.site.returnTarget(r)))
		return nil
	default:
		return d.refusal(decided, v, r)
	}
}

// endCircle returns decided. If it redirects the visitor who sends r to https once
// too often, it returns what they get there.
func (d *doors) endCircle(decided verdict, r *http.Request, q *facts) verdict {
	if decided.action == useHTTPS && !d.site.circles.turn(r, q.clientIP) {
		return d.site.policy.loginAnswer(r.UserAgent())
	}
	return decided
}

// refusal returns the answer to request r of v, which decided refuses.
func (d *doors) refusal(decided verdict, v visitor, r *http.Request) *refusal.Error {
	e := d.site.refusal(decided.reason, v, r, d.site.buttonTarget(r))
	return e.In(formOf(decided.page))
}

// decide asks the site about a request, and notes the verdict for the access
// line. If it refuses a visitor because of following, it still saves the session,
// which holds WeChat's newest answer.
func (d *doors) decide(w *recorder, r *http.Request, q *facts, ask *question, v visitor) (verdict, visitor) {
	ctx, span := d.site.startSpan(r.Context(), "decide")
	of := v
	decided, v := d.site.decide(ctx, ask, v)
	endDecision(span, decided)
	w.explained.decided(d.site, r, ask, of, decided)
	w.session = v.session
	switch decided.action {
	case passVisitor:
		w.Outcome = outcomeProxied
	case passNobody:
		w.Outcome = outcomePublic
	case signIn, openInWeChat, useHTTPS:
		w.Outcome = outcomeLogin
	case refuse:
		if decided.reason == notFollowing || decided.reason == followUnknown {
			d.site.renew(r, w.Header(), q, v)
		}
	}
	w.span.setRoute(cmp.Or(w.Outcome, "refused"))
	return decided, v
}

// forward passes a request on, within the limits for bodies.
func (d *doors) forward(w *recorder, r *http.Request, q *facts, ask question, v visitor, next app) error {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // an upload may take hours
	}
	if limit := d.site.maxBodyBytes; limit > 0 {
		if r.ContentLength > limit {
			return refusal.BodyTooLarge()
		}
		if hasBody(r) {
			// MaxBytesReader gets the server's writer, not the recorder: when the body is
			// too large, it makes the server close the connection instead of reading on.
			r = limitBody(w.ResponseWriter, r, limit)
		}
	}
	return next.forward(d.site, w, r, q, ask, v)
}
