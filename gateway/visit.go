package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/wxgate/wxgate/session"
)

// visit is what the gateway knows about one request. It is made once, travels
// in the request's context, and is changed only by the goroutine that serves
// the request.
type visit struct {
	guard      *guard
	start      time.Time
	requestID  string
	clientIP   netip.Addr
	trusted    bool // the peer is a trusted proxy
	navigation bool // a page load, not a script's or a program's request
	session    *session.Session
	learned    bool  // session knows more than its cookie
	storeErr   error // the session store could not be asked
	outcome    outcome
	original   *http.Request // where a proxy asks about another's request
}

// outcome says in one word what became of a request, for logs and metrics.
type outcome string

const (
	outcomeProxied      outcome = "proxied"
	outcomePublic       outcome = "public"
	outcomeLogin        outcome = "login"
	outcomeUnauthorized outcome = "unauthorized"
	outcomeForbidden    outcome = "forbidden"
	outcomeOwn          outcome = "own"
	outcomeError        outcome = "error"
)

type visitKey struct{}

// visitOf returns the visit that serve put into the context.
func visitOf(ctx context.Context) *visit {
	return ctx.Value(visitKey{}).(*visit)
}

// newVisit looks at who asks, and for what kind of answer.
func (g *guard) newVisit(r *http.Request) *visit {
	v := &visit{guard: g, start: time.Now()}
	v.clientIP, v.trusted = g.trust.client(r)
	v.requestID = requestID(r, v.trusted)
	v.navigation = navigation(r)
	if g.sessions == nil {
		return v
	}
	switch s, err := g.sessions.Load(r); {
	case err == nil:
		if g.follow == nil {
			// Nobody keeps what it says up to date.
			s.Subscribed, s.FollowAskedAt = false, time.Time{}
		} else if newest := g.follow.newest(s).keptIn(s); newest != s {
			// An old cookie must not bring an old answer back.
			s, v.learned = newest, true
		}
		if g.welcome(s) {
			v.session = s
		}
	case !errors.Is(err, session.ErrNone):
		g.metrics.storeErrors.Inc()
		v.storeErr = &failure{Status: http.StatusServiceUnavailable, Word: wordStoreUnavailable, Err: err, RetryAfter: retryAfter}
	}
	return v
}

// welcome reports whether a session that was valid when it was made still is
// under the present configuration.
func (g *guard) welcome(s *session.Session) bool {
	return g.knows(s.AppID) && !(s.SnapshotUser && g.denySnap)
}

// knows reports whether visitors of this site may have signed in to an account.
func (g *guard) knows(appID string) bool {
	return appID == g.account.AppID || g.scan != nil && appID == g.scan.AppID
}

// requestID returns the id that a trusted proxy gave the request, or a new
// one.
func requestID(r *http.Request, trusted bool) string {
	if trusted {
		if id := r.Header.Get("X-Request-Id"); plainID(id) {
			return id
		}
	}
	return rand.Text()
}

// plainID reports whether id can stand in a header, a log line and a page as
// it is.
func plainID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}
