package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/assertion"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
)

// site knows who the visitor of a request is, and whether they may enter.
type site struct {
	*responder
	addresses
	policy policy

	sessions   session.Store
	lifetime   session.Lifetime
	cookieName string
	hidden     hiddenCookies // that no upstream gets or sets

	maxBodyBytes int64 // of a request that is forwarded; 0: no limit

	lists      lists
	follow     *follow           // nil: nobody has to follow
	assertions *assertion.Issuer // nil: none are issued
	webTokens  *webTokens        // nil: none are passed

	aliases   bool                   // the site has hosts beside its public URL's
	otherSite func(host string) bool // reports whether a host is another site's; nil: there is none
	ownHost   func(host string) bool // reports whether a host is one of this site's; nil: it has no list of hosts
}

// visitor is who sends a request, as far as the site knows.
type visitor struct {
	session *session.Session // nil: nobody is signed in
	unsaved bool             // the session holds more than its cookie
	err     error            // why the session store did not answer
}

// visitor returns who sends r.
func (s *site) visitor(r *http.Request) visitor {
	loaded, err := s.sessions.Load(r)
	if errors.Is(err, session.ErrNone) {
		return visitor{}
	}
	if err != nil {
		s.counters.storeErrors.Inc()
		return visitor{err: refusal.StoreUnavailable(err)}
	}
	if s.revocations.Revoked(loaded) { // a store of others may not look
		return visitor{}
	}
	return s.signedIn(loaded)
}

// signedIn returns the visitor with a valid session, which it may change.
func (s *site) signedIn(loaded *session.Session) visitor {
	v := visitor{session: loaded}
	if s.follow == nil {
		// WeChat is not asked again, so the answer would grow old.
		loaded.Subscribed, loaded.FollowAskedAt = false, time.Time{}
	} else {
		// An old cookie must not bring back an old answer.
		v = v.with(s.follow.newest(loaded).apply(loaded))
	}
	if !s.policy.sessionAllowed(v.session) {
		return visitor{}
	}
	return v
}

// with returns v with another session, as unsaved; v itself if the session is the
// same.
func (v visitor) with(newer *session.Session) visitor {
	if newer == v.session {
		return v
	}
	return visitor{session: newer, unsaved: true}
}

// decide returns the verdict on request ask of v, and the visitor with the newest
// answer about following; no visitor if the request passes as nobody's. It asks
// WeChat whether the visitor follows, if that matters and the last answer is too
// old.
func (s *site) decide(ctx context.Context, ask *question, v visitor) (verdict, visitor) {
	if s.follow != nil && v.session != nil && !s.policy.isPublic(ask) {
		v = v.with(s.follow.refresh(ctx, v.session, s.follow.maxAge(s.policy.showsPage(ask))))
	}
	d := s.policy.decide(ask, s.admission(v))
	if d.action == passNobody {
		v = visitor{}
	}
	return d, v
}

// admission returns whether v may enter by what is known now.
func (s *site) admission(v visitor) admission {
	return s.policy.admission(v, v.session != nil && s.lists.refuse(v.session), time.Now())
}

// refusal returns the answer to request r of v, who may not enter for the given
// reason. The button of its page leads to target.
func (s *site) refusal(reason admission, v visitor, r *http.Request, target string) *refusal.Error {
	switch reason {
	case storeAway:
		return refusal.Of(v.err)
	case barred:
		return refusal.NotAllowed()
	case deniedOutside:
		return refusal.NotOutsideWeChat()
	case notFollowing:
		return refusal.NotFollowing(target)
	case followUnknown:
		e := refusal.WeChatUnavailable(nil)
		e.LoginURL, e.RetryAfter = target, followPause
		return e
	default:
		return refusal.Unauthorized(s.loginURL(s.callingPage(r), s.scope))
	}
}

// formOf is the form of a refusal that is a page or JSON.
func formOf(page bool) refusal.Form {
	if page {
		return refusal.FormPage
	}
	return refusal.FormJSON
}
