package gateway

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/internal/tunnel"
	"github.com/wxgate/wxgate/gateway/internal/upgrade"
	"github.com/wxgate/wxgate/gateway/panics"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/session"
)

// responder answers the requests for one site, or for hosts of no site: it
// records each request and writes the refusals.
type responder struct {
	*common
	counters  *counters
	skip      *pathset.Set // paths without an access line
	addresses *addresses   // of the site; nil: there is none
	pages     *pages.Set
	followQR  string // picture on the page that asks to follow
	usersHash userHash
}

// recorder is the answer to one request, with what its access line tells.
type recorder struct {
	access.Recorder
	subject *http.Request    // the request that the access line tells of; nil: the one answered
	span    *requestSpan     // nil: no tracing
	session *session.Session // of the visitor; nil: nobody is signed in

	explained *Explanation // nil: see Gateway.Explain

	upgrades *upgrade.Set
	upgraded *upgrade.Conn // the request's connection; nil: no handler has taken it over

	tunnel *tunnel.Tunnel // what the connection becomes when the handler returns; nil: nothing
}

// Hijack implements [http.Hijacker].
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.upgrades.Hijack(&w.Recorder, w.Status == http.StatusSwitchingProtocols)
	if err != nil {
		return nil, nil, err
	}
	conn.BelongsTo(w.session)
	w.upgraded = conn
	w.span.end(w)
	return conn, rw, nil
}

// handler answers r, about which q holds the facts. The caller answers an error.
type handler func(w *recorder, r *http.Request, q *facts) error

// errVisitorLeft ends a request whose visitor no longer waits for an answer.
var errVisitorLeft = errors.New("visitor left")

// respond answers r by next, answers the error of next, and records the request.
func (p *responder) respond(rw http.ResponseWriter, r *http.Request, next handler) {
	// One allocation for the two.
	x := &struct {
		q facts
		w recorder
	}{q: p.factsOf(r)}
	q, w := &x.q, &x.w
	w.ResponseWriter, w.upgrades = rw, p.upgrades
	r = p.startRequest(w, r, q)
	panics.SetRequestID(r.Context(), q.id)
	p.warnOfPeer(r, q)
	if hasBody(r) {
		// net/http reads the rest of a body that is not forwarded before it ends
		// the request.
		http.NewResponseController(rw).SetReadDeadline(q.start.Add(p.unreadBody))
	}
	p.metrics.inFlight.Inc()
	returned := false
	defer func() {
		// A panic ends the connection, above all http.ErrAbortHandler, for an
		// upstream that broke off in the middle of a body. Count it and pass it on.
		if !returned && w.Status == 0 {
			w.Status, w.Outcome = http.StatusInternalServerError, outcomeError
		}
		if w.tunnel != nil && returned {
			p.goOn(w, r, q)
			return
		}
		p.metrics.inFlight.Dec()
		p.record(w, r, q)
		w.span.end(w)
		w.release(returned)
	}()
	if p.isAuth(r.URL.Path) && fromNginx(r.Header) {
		answerSubrequest(w)
	}
	if err := next(w, r, q); err != nil && !errors.Is(err, errVisitorLeft) {
		p.refuse(w, r, q, err)
	}
	returned = true
}

// goOn lets the handler of r return while its connection goes on. Until that ends, the
// request is in flight. What is kept of it is what its access line needs: all that the
// server has is a multiple.
func (p *responder) goOn(w *recorder, r *http.Request, q *facts) {
	w.ResponseWriter = nil
	kept := &http.Request{Method: r.Method, Host: r.Host, URL: r.URL, RequestURI: r.RequestURI}
	w.tunnel.Start(func() {
		p.metrics.inFlight.Dec()
		p.record(w, kept, q)
		w.release(true)
	})
}

// release ends the part of a request in its upgraded connection. If the handler has
// panicked, nobody else closes the connection.
func (w *recorder) release(returned bool) {
	if w.upgraded == nil {
		return
	}
	if !returned {
		w.upgraded.Close()
		if w.tunnel != nil {
			w.tunnel.Close()
		}
	}
	w.upgraded.Returned()
}

// refuse answers err as a page or as JSON and logs it; nothing else does either.
// An error that is no [refusal.Error] is 500.
func (p *responder) refuse(w *recorder, r *http.Request, q *facts, err error) {
	e := refusal.Of(err)
	p.counters.errors.With(e.Word).Inc()
	w.span.setWord(e.Word)
	w.explained.refused(e)
	w.Outcome = refusedOutcome(e.Status, w.Outcome)
	e.Log(p.logger, q.id)
	setOwnHeaders(w.Header())
	asked := r
	if w.subject != nil {
		asked = w.subject
	}
	if e.Form == refusal.FormJSON || e.Form == refusal.FormByRequest && !q.navigation && !formSent(asked) {
		e.WriteJSON(w, q.id)
		return
	}
	e.SetHeader(w.Header())
	p.pages.Render(w, r, e.Status, e.Page, p.pageData(e, asked, q))
}

// pageData returns what the page of e shows, the answer to r.
func (p *responder) pageData(e *refusal.Error, r *http.Request, q *facts) pages.Data {
	data := pages.Data{
		RequestID: q.id,
		LoginURL:  e.LoginURL,
		Reload:    e.LoginURL == "" && e.RetryAfter > 0,
		NoCookies: e.Word == refusal.WordInvalidState && r.Header.Get("Cookie") == "",

		OutsideWeChat: e.OutsideWeChat,
	}
	if formSent(r) {
		data.Form, data.Reload = true, false // a link would load the address without the form
		if p.addresses != nil {
			data.Back = p.addresses.buttonTarget(r)
		}
	}
	if e.Word == refusal.WordNotFollowing {
		data.FollowQR = p.followQR
	}
	return data
}

// record counts a request that has been answered and writes its access line.
func (p *responder) record(w *recorder, r *http.Request, q *facts) {
	entry := access.Entry{RequestID: q.id, ClientIP: q.clientIPText(), Elapsed: time.Since(q.start)}
	entry.Span = w.span.context()
	if w.session != nil {
		entry.User = p.usersHash.of(w.session.OpenID)
	}
	if w.subject != nil {
		r = w.subject
	}
	entry.Skip = p.skip != nil && p.skip.Match(r.Method, rawPath(r))
	p.counters.accessLog.Record(r, &w.Recorder, entry)
}
