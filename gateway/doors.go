package gateway

import (
	"errors"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// doors are the entry points of one site: each asks the site what to do with its
// kind of request, and turns the verdict into its kind of answer.
type doors struct {
	site      *site
	logins    *logins
	own       *endpoints
	upstreams *upstreams // nil: there are none
	warnings  askedWarnings
}

// A door handles the requests of one entry point.
type door func(d *doors, w *recorder, r *http.Request, q *request) error

// serve answers r through the given door.
func (d *doors) serve(w http.ResponseWriter, r *http.Request, through door) {
	d.site.respond(w, r, func(w *recorder, r *http.Request, q *request) error {
		if err := readable(r); err != nil {
			return err
		}
		return through(d, w, r, q)
	})
}

// proxy is the door of [Gateway.ServeHTTP].
func (d *doors) proxy(w *recorder, r *http.Request, q *request) error {
	if d.upstreams == nil {
		return d.enter(w, r, q, nil)
	}
	return d.enter(w, r, q, d.upstreams)
}

// app is what a door forwards requests to.
type app interface {
	// forward passes on r of visitor v to the app of site s. q holds the facts about
	// r, ask is what the site was asked about it.
	forward(s *site, w *recorder, r *http.Request, q *request, ask question, v visitor) error
}

// enter answers the gateway's own endpoints, and passes other requests on to to
// if they may pass; nil: there is nothing behind this door.
func (d *doors) enter(w *recorder, r *http.Request, q *request, to app) error {
	v := d.site.visitor(r)
	w.session = v.session
	switch {
	case d.site.isAuth(r.URL.Path):
		return d.forwardAuth(w, r, q, v)
	case d.own.has(r.URL.Path):
		w.Outcome = outcomeOwn
		return d.own.answer(w, r, q, v)
	case to == nil:
		return refusal.NotFound()
	default:
		return d.pass(w, r, q, v, to)
	}
}

// pass acts on the verdict about a request for the site.
func (d *doors) pass(w *recorder, r *http.Request, q *request, v visitor, to app) error {
	ask := questionOf(r, q.navigation)
	verdict, v := d.evaluate(w, r, q, &ask, v)
	switch verdict.action {
	case passVisitor, passNobody:
		err := d.forward(w, r, q, ask, v, to)
		if err != nil && !errors.Is(err, errVisitorLeft) {
			err = refusal.Of(err).In(formOf(d.site.policy.showsPage(&ask)))
		}
		return err
	case signIn:
		return d.logins.answer(w, r, q, verdict.how)
	default:
		return d.site.refusal(verdict, v, r, d.site.returnTarget(r))
	}
}

// evaluate asks the site about a request, and notes the verdict for the access
// line. What was learned about following is saved also if the visitor is refused.
func (d *doors) evaluate(w *recorder, r *http.Request, q *request, ask *question, v visitor) (verdict, visitor) {
	verdict, v := d.site.evaluate(r.Context(), ask, v)
	w.session = v.session
	switch verdict.action {
	case passVisitor:
		w.Outcome = outcomeProxied
	case passNobody:
		w.Outcome = outcomePublic
	case signIn:
		w.Outcome = outcomeLogin
	case refuse:
		if verdict.word == refusal.WordNotFollowing || verdict.word == refusal.WordWeChatUnavailable {
			d.site.renew(r, w.Header(), q, v)
		}
	}
	return verdict, v
}

// forward passes a request on, within the limits for bodies.
func (d *doors) forward(w *recorder, r *http.Request, q *request, ask question, v visitor, to app) error {
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // an upload may take hours
	}
	if limit := d.site.maxBodyBytes; limit > 0 {
		if r.ContentLength > limit {
			return refusal.BodyTooLarge()
		}
		// With the server's own writer: told of the excess, it closes the connection
		// instead of reading on.
		r = limitBody(w.ResponseWriter, r, limit)
	}
	return to.forward(d.site, w, r, q, ask, v)
}
