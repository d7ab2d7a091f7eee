package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// bodyPatience bounds the wait for a request body that the gateway does not
// forward.
const bodyPatience = 10 * time.Second

// A door is a way through which requests come: it acts on what is decided about
// them.
type door func(g *guard, w *recorder, r *http.Request, v *visit) error

// serve answers one request, through the given door.
func (g *guard) serve(w http.ResponseWriter, r *http.Request, through door) {
	v := g.newVisit(r)
	rec := &recorder{ResponseWriter: w}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	if r.ContentLength != 0 {
		// A body that is not forwarded has to arrive soon: net/http reads the
		// rest of it before it lets go of the connection.
		http.NewResponseController(w).SetReadDeadline(v.start.Add(bodyPatience))
	}
	returned := false
	defer func() {
		// A panic ends the connection, http.ErrAbortHandler above all: the
		// upstream broke off in the middle of a body. Count it, and let it.
		if !returned && rec.status == 0 {
			rec.status, v.outcome = http.StatusInternalServerError, outcomeError
		}
		g.record(r, v, rec)
	}()
	if err := g.readable(r); err != nil {
		g.fail(g.answerTo(rec, r), r, err)
	} else if err := through(g, rec, r, v); err != nil {
		g.fail(rec, r, err)
	}
	returned = true
}

// readable refuses requests that no door can do anything with.
func (g *guard) readable(r *http.Request) error {
	switch {
	case g.sessions == nil:
		return &failure{Status: http.StatusMisdirectedRequest, Word: wordUnknownSite}
	case r.Method == http.MethodConnect, r.Method == http.MethodTrace:
		// The one asks for a tunnel in which nothing is checked, the other for
		// an echo of the headers that the gateway adds.
		return &failure{Status: http.StatusMethodNotAllowed, Word: wordMethodNotAllowed}
	case !strings.HasPrefix(r.URL.Path, "/"), strings.Contains(r.RequestURI, " "):
		// HTTP/2 can carry a blank in a path; the request line of HTTP/1 that
		// the upstream reads would end there.
		return &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest}
	default:
		return nil
	}
}

// answer is the door to a site that this process forwards to, or holds: the
// gateway answers itself what is its own and what may not pass. A nil site takes
// nothing.
func (g *guard) answer(w *recorder, r *http.Request, v *visit, site http.Handler) error {
	switch {
	case g.isOwn(r.URL.Path):
		v.outcome = outcomeOwn
		g.own.ServeHTTP(w, r)
		return nil
	case site == nil:
		return &failure{Status: http.StatusNotFound, Word: wordNotFound}
	default:
		return g.pass(w, r, v, site)
	}
}

// pass acts on the decision about a request for the site.
func (g *guard) pass(w *recorder, r *http.Request, v *visit, site http.Handler) error {
	what, err := g.judge(w, r, v, askedBy(r, v))
	if err != nil {
		return err
	}
	switch what {
	case forwardVisitor, forwardNobody:
	case login:
		if g.keepsFragment(r) {
			g.readFragment(w, http.StatusOK, g.returnTarget(r))
			return nil
		}
		return g.login(w, r, g.returnTarget(r), g.scope)
	case openInWeChat:
		g.openInWeChat(w, r)
		return nil
	default:
		return &failure{Status: http.StatusUnauthorized, Word: wordUnauthorized, LoginURL: g.loginURL(g.callingPage(r), g.scope)}
	}
	if r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // an upload may take hours
	}
	if g.maxBody > 0 {
		if r.ContentLength > g.maxBody {
			return &failure{Status: http.StatusRequestEntityTooLarge, Word: wordBodyTooLarge}
		}
		// The writer beneath is the server's own: told of the excess, it closes
		// the connection instead of reading on.
		r.Body = http.MaxBytesReader(w.ResponseWriter, r.Body, g.maxBody)
	}
	site.ServeHTTP(w, r)
	return nil
}

// judge decides about a request for the site, which is asked for as a says, and
// notes in v what comes of it. On an API path no answer is a page. Where the
// visitor may not enter, whoever she is, the error says so.
func (g *guard) judge(w http.ResponseWriter, r *http.Request, v *visit, a asked) (decision, error) {
	a.navigation = a.navigation && !g.policy.api.MayMatch(a.method, a.path)
	v.navigation = a.navigation
	stands := g.standing(r, v, a)
	what := g.policy.decide(a, stands)
	if v.storeErr != nil && what != forwardNobody {
		// Nobody is let in, and nobody is sent to sign in again for a session
		// that is still there.
		return refuse, v.storeErr
	}
	switch what {
	case forwardVisitor:
		v.outcome = outcomeProxied
	case forwardNobody:
		v.outcome = outcomePublic
		v.session = nil // a visitor who may not enter is nobody here
	case login, openInWeChat:
		v.outcome = outcomeLogin
	case askToFollow, tryLater:
		g.renew(r, w.Header(), v)
		return what, g.refusal(stands, g.returnTarget(r))
	case forbid:
		return what, &failure{Status: http.StatusForbidden, Word: wordNotAllowed}
	}
	return what, nil
}

// handle turns a handler that returns an error into one that answers it.
func (g *guard) handle(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil && !errors.Is(err, errVisitorLeft) {
			g.fail(w, r, err)
		}
	})
}

// errVisitorLeft ends a request whose visitor no longer waits for an answer.
var errVisitorLeft = errors.New("visitor left")
