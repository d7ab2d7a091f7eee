package gateway

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/wechat"
)

// The methods of this file note why the gateway does something. They do nothing for
// a nil Explanation, that of every request but those of [Gateway.Explain], and decide
// nothing themselves.

// arrived notes what is believed of the headers by which proxies describe r.
func (x *Explanation) arrived(r *http.Request, q *facts) {
	if x == nil {
		return
	}
	var read, others []string
	for _, name := range readHeaders {
		if len(r.Header[name]) > 0 {
			read = append(read, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		switch {
		case !fromProxy(name) || !headers.IsRegular(name) || slices.Contains(readHeaders[:], name):
		case name == "X-Request-Id":
			read = append(read, name)
		default:
			others = append(others, name)
		}
	}
	if q.trusted {
		x.forwarded("holds this address, believed are ", read)
		x.forwarded("holds this address, passed on are ", others)
	} else {
		x.forwarded("does not hold this address, ignored are ", append(read, others...))
	}
	if len(r.Header["Forwarded"]) > 0 {
		x.add("forwarded headers", "", "", "ignored is Forwarded, which is never read: "+
			"X-Forwarded-For, -Host and -Proto are, from an address in WXGATE_TRUSTED_PROXIES")
	}
}

// forwarded notes what is done with the named headers of a proxy.
func (x *Explanation) forwarded(text string, names []string) {
	if len(names) > 0 {
		x.add("forwarded headers", "TrustedProxies", "", text+strings.Join(names, ", "))
	}
}

// endpoint notes the gateway's own endpoint that answers: prefix and pattern together.
func (x *Explanation) endpoint(prefix, pattern string) {
	if x != nil {
		x.Endpoint = prefix + pattern
	}
}

// asked notes the visitor's request o about which a proxy asks.
func (x *Explanation) asked(o askedRequest, q *facts) {
	switch {
	case x == nil:
	case o.isDescribed():
		x.add("asked about", "", "", o.Method+" "+o.Host+upTo(o.RequestURI, "?")) // the query may hold a code
	case q.trusted:
		x.add("asked about", "", "", "nothing: no header describes the visitor's request")
	default:
		x.add("asked about", "TrustedProxies", "", "nothing: it does not hold the address that asks")
	}
}

// refused notes a refusal that no decision explains.
func (x *Explanation) refused(e *refusal.Error) {
	if x == nil || x.Action != "" && e.Status != http.StatusRequestEntityTooLarge {
		return
	}
	status := strconv.Itoa(e.Status)
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		x.add(status, "MaxBodyBytes", "", "the body is longer, as its Content-Length says")
	case http.StatusNotFound:
		x.add(status, "Prefix", x.prefix, "no endpoint has this path")
	default:
		x.add(status, "", "", e.Message)
	}
}

// actions are the actions of verdicts in words.
var actions = map[action]Action{
	refuse: ActionRefuse, passVisitor: ActionPassVisitor, passNobody: ActionPassNobody,
	signIn: ActionSignIn, openInWeChat: ActionOpenInWeChat, useHTTPS: ActionUseHTTPS,
}

// decided notes the verdict d about ask, the question that r is, of visitor v.
func (x *Explanation) decided(s *site, r *http.Request, ask *question, v visitor, d verdict) {
	if x == nil {
		return
	}
	x.Action = actions[d.action]
	switch d.action {
	case passVisitor:
		x.passes(s, v)
	case passNobody:
		x.add("public", "PublicPaths", ask.public.pattern, "")
		if v.session != nil {
			x.add("identity", "", "", "none: the visitor is signed in, but may not enter other pages")
		}
	case signIn, openInWeChat, useHTTPS:
		x.notPublic(s, ask)
		x.add("login", "", "", "a page load without a session")
		x.navigation(r, "page load")
		x.browser(s, ask)
		if d.action == useHTTPS {
			x.add("https", "PublicURL", "", "cookies set by plain http would be lost")
		}
	case refuse:
		x.notPublic(s, ask)
		x.bars(s, r, ask, v, d.reason)
	}
}

// passes notes why visitor v may enter.
func (x *Explanation) passes(s *site, v visitor) {
	x.add("session", "", "", "the visitor is signed in and may enter")
	if s.lists.deny != nil {
		x.add("list", "DenyOpenIDsFile", "", "does not hold the visitor")
	}
	if s.lists.allow != nil {
		x.add("list", "AllowOpenIDsFile", "", "holds the visitor")
	}
	if s.policy.mustFollow {
		x.add("follow", "RequireFollow", "",
			"only visitors who follow the account enter; WeChat is asked again after "+s.follow.recheck.String())
	}
	if s.policy.denySnapshot && !s.policy.mustFollow {
		x.add("snapshot", "DenySnapshotUsers", "", "the virtual account of a snapshot page would not enter")
	}
}

// notPublic notes that a path cannot be public.
func (x *Explanation) notPublic(s *site, ask *question) {
	if s.policy.public != nil && ask.path != "" && pathset.IsAmbiguous(ask.path) {
		x.add("not public", "PublicPaths", "", "opens no path that can be read in two ways")
	}
}

// navigation notes why r is a page load, or none.
func (x *Explanation) navigation(r *http.Request, name string) {
	_, why := whyNavigation(r)
	x.add(name, "", "", why)
}

// browser notes which browser signs in, and what it gets.
func (x *Explanation) browser(s *site, ask *question) {
	if wechat.IsWeChat(ask.userAgent) {
		x.add("browser", "", "", "WeChat's, by its User-Agent")
		return
	}
	x.add("browser", "OutsideWeChat", string(s.policy.outside), "not WeChat's, by its User-Agent")
}

// bars notes why visitor v may not enter.
func (x *Explanation) bars(s *site, r *http.Request, ask *question, v visitor, reason admission) {
	switch reason {
	case barred:
		text := "holds the visitor"
		field := s.lists.refusedBy(v.session)
		if field == "AllowOpenIDsFile" {
			text = "does not hold the visitor"
		}
		x.add("403", field, "", text)
	case notFollowing:
		x.add("403", "RequireFollow", "", "the visitor does not follow the account")
	case followUnknown:
		x.add("503", "RequireFollow", "", "WeChat does not say whether the visitor follows the account")
	case storeAway:
		x.add("503", "Sessions", "", "the session store does not answer")
	case nobody:
		x.unauthorized(s, r, ask)
	default: // signing in would help, but not in this browser
		x.add("login", "", "", "a page load without a session")
		x.add("403", "OutsideWeChat", string(s.policy.outside), "the browser is not WeChat's, by its User-Agent")
	}
}

// unauthorized notes why a request without a session is not redirected to the login.
func (x *Explanation) unauthorized(s *site, r *http.Request, ask *question) {
	switch {
	case s.policy.isAPI(ask):
		x.add("401", "APIPaths", ask.api.pattern, "")
	case ask.form:
		x.add("401", "", "", "a form without a session; its page has a button to sign in")
	case ask.navigation: // a browser for which the configuration has no answer
		x.browser(s, ask)
	default:
		x.add("401", "", "", "neither a page load nor a session")
	}
	if !ask.navigation {
		x.navigation(r, "not a page load")
	}
}
