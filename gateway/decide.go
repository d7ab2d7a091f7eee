package gateway

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// policy holds the rules about who may pass, the same for every door.
type policy struct {
	public       *pathset.Set
	api          *pathset.Set
	outside      OutsideWeChat
	accounts     accounts
	denySnapshot bool
	mustFollow   bool
}

// newPolicy returns the policy of the site that c describes.
func newPolicy(c Site, accounts accounts, errs *fieldErrors) policy {
	p := policy{
		outside:      cmp.Or(c.OutsideWeChat, OutsideRedirect),
		accounts:     accounts,
		denySnapshot: c.DenySnapshotUsers || c.RequireFollow,
		mustFollow:   c.RequireFollow,
	}
	var err error
	p.public, err = pathset.New(c.PublicPaths)
	errs.add("PublicPaths", err)
	p.api, err = pathset.New(c.APIPaths)
	errs.add("APIPaths", err)
	switch p.outside {
	case OutsideRedirect, OutsidePage, OutsideQRConnect, OutsideDeny:
	default:
		errs.add("OutsideWeChat", fmt.Errorf("unknown value %q", p.outside))
	}
	return p
}

// question describes a request for the site, as far as the decision depends on
// it. Each set of paths is matched at most once, when the answer is needed.
type question struct {
	method     string // empty: not known
	path       string // as sent, percent-encoded, without the query
	navigation bool   // a page load
	userAgent  string // says which answer helps, never who may enter

	public, api match
}

// match is whether a path is in a set.
type match int

const (
	unmatched match = iota // not known yet
	isIn
	isNotIn
)

// matched returns m, calling in the first time.
func (m *match) matched(in func() bool) bool {
	if *m == unmatched {
		*m = isNotIn
		if in() {
			*m = isIn
		}
	}
	return *m == isIn
}

// isPublic reports whether the path of q is public.
func (p *policy) isPublic(q *question) bool {
	return q.public.matched(func() bool { return p.public.Match(q.method, q.path) })
}

// showsPage reports whether the visitor who asks q can be shown a page: q is a
// page load, and of no API path.
func (p *policy) showsPage(q *question) bool {
	return q.navigation && !q.api.matched(func() bool { return p.api.MayMatch(q.method, q.path) })
}

// admission is whether a visitor may enter.
type admission int

const (
	nobody        admission = iota // no session
	storeAway                      // not known: the session store did not answer
	barred                         // kept out by a list
	notFollowing                   // does not follow the account, but has to
	followUnknown                  // not known whether they follow: WeChat did not answer
	admitted                       // may enter
)

// admission returns whether the visitor v may enter, by what their session says.
// listed says that a list keeps them out.
func (p *policy) admission(v visitor, listed bool, now time.Time) admission {
	switch {
	case v.err != nil:
		return storeAway
	case !p.sessionAllowed(v.session):
		return nobody
	case listed:
		return barred
	case !p.mustFollow:
		return admitted
	}
	switch answer := answerIn(v.session); {
	case !answer.usable(now):
		return followUnknown
	case answer.subscribed:
		return admitted
	default:
		return notFollowing
	}
}

// sessionAllowed reports whether s, valid when it was made, still is under the
// present configuration.
func (p *policy) sessionAllowed(s *session.Session) bool {
	return s != nil && p.accounts.accept(s.AppID) && !(s.SnapshotUser && p.denySnapshot)
}

// A verdict is what to do with a request. The zero verdict refuses it as
// unauthorized.
type verdict struct {
	action action
	how    signInMethod // of signIn
	word   string       // of refuse, an error word of package refusal
	page   bool         // of refuse and signIn: the answer is a page, not JSON
}

// action is the one thing that a door looks at.
type action int

const (
	refuse      action = iota
	passVisitor        // pass with the visitor's identity
	passNobody         // pass without an identity
	signIn
)

// signInMethod is how a visitor signs in.
type signInMethod int

const (
	atWeChat     signInMethod = iota // redirect to WeChat's login
	openInWeChat                     // show the page that asks to open the address in WeChat
)

// decide returns what to do with request q of a visitor with admission a. What
// no rule allows is refused.
func (p *policy) decide(q *question, a admission) verdict {
	switch {
	case a == admitted:
		return verdict{action: passVisitor}
	case p.isPublic(q):
		return verdict{action: passNobody}
	}
	d := verdict{page: p.showsPage(q)}
	switch {
	case a == storeAway:
		// Nobody has to sign in again for a session that still exists.
		d.word = refusal.WordStoreUnavailable
	case a == barred:
		d.word = refusal.WordNotAllowed
	case a == notFollowing:
		d.word = refusal.WordNotFollowing
	case a == followUnknown:
		d.word = refusal.WordWeChatUnavailable
	case a != nobody || !d.page:
		d.word = refusal.WordUnauthorized
	default:
		d.action, d.how, d.word = p.loginAnswer(q.userAgent)
	}
	return d
}

// loginAnswer returns what a page load gets from a visitor who has to sign in:
// the way to do so, or the word of a refusal.
func (p *policy) loginAnswer(userAgent string) (action, signInMethod, string) {
	switch {
	case p.outside == OutsideRedirect || p.outside == OutsideQRConnect || wechat.IsWeChat(userAgent):
		return signIn, atWeChat, ""
	case p.outside == OutsidePage:
		return signIn, openInWeChat, ""
	case p.outside == OutsideDeny:
		return refuse, 0, refusal.WordNotAllowed
	default:
		return refuse, 0, refusal.WordUnauthorized
	}
}
