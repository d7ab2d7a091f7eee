package gateway

import (
	"net/http"

	"github.com/wxgate/wxgate/session"
)

// standing is how a visitor stands with the rules about who may enter.
type standing int

const (
	nobody       standing = iota // has no session
	admitted                     // may enter
	barred                       // is kept out by a list
	notFollowing                 // does not follow the account, and has to
	unasked                      // WeChat could not be asked whether she follows
)

// standing asks how the visitor of r stands, WeChat where it must. On a public
// path, where that makes no difference to whether she passes, nobody waits for
// WeChat.
func (g *guard) standing(r *http.Request, v *visit, a asked) standing {
	if v.session != nil && g.follow != nil && !g.policy.public.Match(a.method, a.path) {
		believe := g.follow.inScript()
		if a.navigation {
			believe = g.follow.onPage()
		}
		if s := g.follow.settle(r.Context(), v.session, believe); s != v.session {
			v.session, v.learned = s, true
		}
	}
	return g.standingOf(v.session)
}

// standingOf is how the visitor with session s stands by what it knows.
func (g *guard) standingOf(s *session.Session) standing {
	switch {
	case s == nil:
		return nobody
	case g.lists.refuse(s):
		return barred
	case g.follow != nil:
		return followStanding(s)
	default:
		return admitted
	}
}

// refusal is the failure that tells a visitor why she may not enter, nil where
// she may. The button of its page leads to target.
func (g *guard) refusal(s standing, target string) *failure {
	switch s {
	case barred:
		return &failure{Status: http.StatusForbidden, Word: wordNotAllowed}
	case notFollowing:
		return &failure{Status: http.StatusForbidden, Word: wordNotFollowing, LoginURL: target}
	case unasked:
		return &failure{Status: http.StatusServiceUnavailable, Word: wordWeChatUnavailable, LoginURL: target, RetryAfter: followPause}
	default:
		return nil
	}
}

// admit is refusal for a session that a login has brought, whose visitor sees a
// page whatever she asked for.
func (g *guard) admit(s *session.Session, target string) error {
	f := g.refusal(g.standingOf(s), target)
	if f == nil {
		return nil
	}
	f.Always = true
	return f
}
