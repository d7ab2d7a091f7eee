package gateway

import (
	"net/http"

	"github.com/wxgate/wxgate/session"
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
	forbid                         // 403
)

// policy is who may pass: the rules that every door shares.
type policy struct {
	public  *pathSet
	api     *pathSet
	outside OutsideWeChat
}

// decide answers what is to be done for a visitor with session s, nil for
// none.
func (p policy) decide(a asked, s *session.Session) decision {
	switch {
	case s != nil:
		return forwardVisitor
	case p.public.match(a.method, a.path):
		return forwardNobody
	case !a.navigation || p.api.mayMatch(a.method, a.path):
		return refuse
	default:
		return p.arrival(a.userAgent)
	}
}

// arrival is what becomes of a page load by a visitor who has to sign in.
func (p policy) arrival(userAgent string) decision {
	switch {
	case p.outside == OutsideRedirect || wechat.IsWeChat(userAgent):
		return login
	case p.outside == OutsidePage:
		return openInWeChat
	case p.outside == OutsideDeny:
		return forbid
	default:
		return refuse
	}
}
