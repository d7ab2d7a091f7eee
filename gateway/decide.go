package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

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
	p.public, err = newPublicPaths(c.PublicPaths)
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
	plainHTTP  bool   // sent by plain http, where a login's cookie would be lost
	form       bool   // a form, sent as a page load
	userAgent  string // says which answer helps, never who may enter

	public, api match
}

// questionOf describes r, a visitor's own request.
func questionOf(r *http.Request, navigation bool) question {
	return question{
		method: r.Method, path: rawPath(r), navigation: navigation, form: formSent(r), userAgent: r.UserAgent(),
	}
}

// match is the pattern of a set that a path matches; empty: none.
type match struct {
	known   bool // looked up
	pattern string
}

// matched returns whether m has a pattern, calling find the first time.
func (m *match) matched(find func() string) bool {
	if !m.known {
		*m = match{true, find()}
	}
	return m.pattern != ""
}

// isPublic reports whether the path of ask is public.
func (p *policy) isPublic(ask *question) bool {
	return ask.public.matched(func() string { return p.public.Find(ask.method, ask.path) })
}

// isAPI reports whether ask is of an API path.
func (p *policy) isAPI(ask *question) bool {
	return ask.api.matched(func() string { return p.api.MayFind(ask.method, ask.path) })
}

// loadsPage reports whether ask is a page load, and of no API path: the visitor can
// be sent to the login and back.
func (p *policy) loadsPage(ask *question) bool {
	return ask.navigation && p.showsPage(ask)
}

// showsPage reports whether a page can answer ask: it is a page load or a form, and
// of no API path.
func (p *policy) showsPage(ask *question) bool {
	return (ask.navigation || ask.form) && !p.isAPI(ask)
}

// admission is whether a visitor may enter.
type admission int

const (
	nobody        admission = iota // no session
	storeAway                      // not known: the session store did not answer
	barred                         // kept out by a list
	notFollowing                   // does not follow the account, but has to
	followUnknown                  // not known whether they follow: WeChat did not answer
	deniedOutside                  // would have to sign in, but not with another browser than WeChat's
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
	reason admission // of refuse: why the visitor may not enter
	page   bool      // of all but the two that pass: a page can answer
}

// action is what a door does with a request.
type action int

const (
	refuse       action = iota
	passVisitor         // pass with the visitor's identity
	passNobody          // pass without an identity
	signIn              // redirect to WeChat's login
	openInWeChat        // show the page that asks to open the address in WeChat
	useHTTPS            // redirect to the same address at https, and decide then
)

// decide returns what to do with request ask of a visitor with admission a. What
// no rule allows is refused.
func (p *policy) decide(ask *question, a admission) verdict {
	switch {
	case a == admitted:
		return verdict{action: passVisitor}
	case p.isPublic(ask):
		return verdict{action: passNobody}
	case a == nobody && p.loadsPage(ask):
		return p.loginAnswer(ask.userAgent).at(ask.plainHTTP)
	default:
		return verdict{reason: a, page: p.showsPage(ask)}
	}
}

// at returns the verdict d on a visitor who has to sign in, for a request that came
// by plain http or not.
func (d verdict) at(plainHTTP bool) verdict {
	if plainHTTP && (d.action == signIn || d.action == openInWeChat) {
		d.action = useHTTPS
	}
	return d
}

// loginAnswer returns what a page load gets from a visitor who has to sign in.
func (p *policy) loginAnswer(userAgent string) verdict {
	switch {
	case p.outside == OutsideRedirect || p.outside == OutsideQRConnect || wechat.IsWeChat(userAgent):
		return verdict{action: signIn, page: true}
	case p.outside == OutsidePage:
		return verdict{action: openInWeChat, page: true}
	case p.outside == OutsideDeny:
		return verdict{reason: deniedOutside, page: true}
	default:
		return verdict{page: true}
	}
}
