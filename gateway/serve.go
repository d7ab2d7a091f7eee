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

// serve answers one request: itself where the request is the gateway's own or
// may not pass, through site otherwise.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, site http.Handler) {
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
	switch {
	case r.Method == http.MethodConnect, r.Method == http.MethodTrace:
		// The one asks for a tunnel in which nothing is checked, the other for
		// an echo of the headers that the gateway adds.
		g.fail(rec, r, &failure{Status: http.StatusMethodNotAllowed, Word: wordMethodNotAllowed})
	case !strings.HasPrefix(r.URL.Path, "/"), strings.Contains(r.RequestURI, " "):
		// HTTP/2 can carry a blank in a path; the request line of HTTP/1 that
		// the upstream reads would end there.
		g.fail(rec, r, &failure{Status: http.StatusBadRequest, Word: wordInvalidRequest})
	case g.isOwn(r.URL.Path):
		v.outcome = outcomeOwn
		g.own.ServeHTTP(rec, r)
	default:
		if err := g.pass(rec, r, v, site); err != nil {
			g.fail(rec, r, err)
		}
	}
	returned = true
}

// pass acts on the decision about a request for the site.
func (g *Gateway) pass(w *recorder, r *http.Request, v *visit, site http.Handler) error {
	// No answer on an API path is a page.
	v.navigation = v.navigation && !g.policy.api.MayMatch(r.Method, rawPath(r))
	stands := g.standing(r, v)
	what := g.policy.decide(askedBy(r, v), stands)
	if v.storeErr != nil && what != forwardNobody {
		// Nobody is let in, and nobody is sent to sign in again for a session
		// that is still there.
		return v.storeErr
	}
	switch what {
	case forwardVisitor:
		v.outcome = outcomeProxied
	case forwardNobody:
		v.outcome = outcomePublic
		v.session = nil // a visitor who may not enter is nobody here
	case login:
		v.outcome = outcomeLogin
		if g.keepsFragment(r) {
			g.readFragment(w, g.returnTarget(r))
			return nil
		}
		return g.login(w, r, g.returnTarget(r), g.scope)
	case openInWeChat:
		v.outcome = outcomeLogin
		g.openInWeChat(w, r)
		return nil
	case askToFollow, tryLater:
		g.renew(r, w.Header(), v)
		return g.refusal(stands, g.returnTarget(r))
	case forbid:
		return &failure{Status: http.StatusForbidden, Word: wordNotAllowed}
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

// handle turns a handler that returns an error into one that answers it.
func (g *Gateway) handle(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil && !errors.Is(err, errVisitorLeft) {
			g.fail(w, r, err)
		}
	})
}

// errVisitorLeft ends a request whose visitor no longer waits for an answer.
var errVisitorLeft = errors.New("visitor left")
