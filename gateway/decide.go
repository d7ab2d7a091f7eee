package gateway

import (
	"net/http"

	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/wechat"
)

// asked is a request for the site, as far as the decision depends on it.
type asked struct {
	method     string
	path       string // as sent, percent-encoded, without the query
	navigation bool   // a page load
	userAgent  string // says which page helps, never who may enter
}

func askedBy(r *http.Request, v *visit) asked {
	return asked{
		method:     r.Method,
		path:       rawPath(r),
		navigation: v.navigation,
		userAgent:  r.UserAgent(),
	}
}

// decision is what is to be done with a request for the site.
type decision int

const (
	refuse         decision = iota // 401: the default, for whatever no rule lets in
	forwardVisitor                 // forward with the identity headers
	forwardNobody                  // forward without them
	login                          // send to WeChat
	openInWeChat                   // show the page that asks to open WeChat
	askToFollow                    // 403: the account is to be followed first
	tryLater                       // 503: it is not known whether it is
	forbid                         // 403
)

// policy is who may pass: the rules that every door shares.
type policy struct {
	public  *pathset.Set
	api     *pathset.Set
	outside OutsideWeChat
}

// decide answers what is to be done for a visitor who stands so.
func (p policy) decide(a asked, s standing) decision {
	switch {
	case s == admitted:
		return forwardVisitor
	case p.public.Match(a.method, a.path):
		return forwardNobody
	case s == barred:
		return forbid
	case s == notFollowing:
		return askToFollow
	case s == unasked:
		return tryLater
	case !a.navigation || p.api.MayMatch(a.method, a.path):
		return refuse
	default:
		return p.arrival(a.userAgent)
	}
}

// arrival is what becomes of a page load by a visitor who has to sign in.
func (p policy) arrival(userAgent string) decision {
	switch {
	case p.outside == OutsideRedirect || p.outside == OutsideQRConnect || wechat.IsWeChat(userAgent):
		return login
	case p.outside == OutsidePage:
		return openInWeChat
	case p.outside == OutsideDeny:
		return forbid
	default:
		return refuse
	}
}
