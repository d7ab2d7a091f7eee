package gateway

import (
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/gateway/internal/assertion"
	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/internal/pathset"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// guard stands before one site. Requests for no site at all have one too, whose
// sessions are nil.
type guard struct {
	*shared

	publicURL *url.URL
	account   *wechat.Client
	scan      *wechat.Client // for browsers other than WeChat's; nil: account is
	scope     wechat.Scope

	cookies  session.Config
	withheld map[string]bool // session cookies that, with their logins', no upstream of this site sees or sets
	sessions session.Store
	logins   *session.Logins
	lifetime session.Lifetime

	policy       policy
	lists        lists
	follow       *follow           // nil: nobody has to
	assertions   *assertion.Issuer // nil: none are made
	tickets      *wechat.TicketSource
	returnHosts  map[string]bool
	verifyFiles  map[string]string // path → content
	denySnap     bool
	maxBody      int64
	keepFragment bool

	hub       hubConfig
	exchanges exchanges
	pages     *pages.Set
	own       http.Handler
	ownPaths  *pathset.Set // those of own that can be read in one way
	proxy     http.Handler // nil: there is no upstream

	aliases  bool // the site has hosts beside its public URL's
	userHash userHash
	warn     warnings
}
