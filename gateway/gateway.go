// Package gateway puts WeChat sign-in in front of a web app.
//
// A [Gateway] is an [http.Handler]. It sends visitors without a session to
// WeChat, handles the way back, keeps who they are in a sealed cookie, and
// forwards their requests to the app with identity headers (X-WX-OpenID and
// its companions) that no client can set itself. [Gateway.Wrap] does the same
// for a handler in the same process, which asks [IdentityFrom].
//
// Every request, through whichever door, is answered by one decision over
// plain values: forward as this visitor, forward as nobody, send to the login,
// or refuse.
package gateway

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// Config says what a [Gateway] guards and how. PublicURL, Account and
// CookieKeys are required; every other field has a useful zero value.
type Config struct {
	// PublicURL is the origin that visitors use, "https://h5.example.com". It
	// decides cookie security and redirect_uri.
	PublicURL string
	// Account is the official account that visitors sign in to. New sets its
	// Observe field where that is nil.
	Account *wechat.Client
	// CookieKeys seal the cookies: one or more keys of at least 32 bytes. The
	// first makes new cookies, all are accepted.
	CookieKeys [][]byte

	// Upstreams are the web apps behind the gateway, by path prefix. Without
	// any, only [Gateway.Wrap] is of use.
	Upstreams []Upstream
	// UpstreamTimeout bounds the wait for an upstream's response header;
	// default 60 seconds.
	UpstreamTimeout time.Duration
	// UpstreamCAs verify https upstreams; nil: the system's.
	UpstreamCAs *x509.CertPool
	// MaxBodyBytes is the largest request body forwarded; 0: no limit.
	MaxBodyBytes int64

	// Prefix is the path of the gateway's own endpoints; default "/_wx".
	Prefix string
	// Scope is what visitors are asked for; default [wechat.ScopeBase].
	Scope wechat.Scope
	// PublicPaths need no session, APIPaths are never answered by a redirect.
	// Both are [http.ServeMux] patterns without a host.
	PublicPaths []string
	APIPaths    []string
	// OutsideWeChat is what a visitor in another browser gets; default
	// [OutsideRedirect].
	OutsideWeChat OutsideWeChat
	// DenySnapshotUsers keeps out the virtual accounts of WeChat's snapshot
	// pages.
	DenySnapshotUsers bool
	// ScanAccount is the open platform's website application whose scan login
	// visitors outside WeChat use where OutsideWeChat is [OutsideQRConnect]. Their
	// OpenID is another than the official account's. New sets its Observe field
	// where that is nil.
	ScanAccount *wechat.Client
	// RequireFollow lets followers of the account in and no one else, and keeps
	// the virtual accounts of snapshot pages out: nobody knows whom they stand
	// for. It asks by Tokens, which it requires.
	RequireFollow bool
	// FollowQRURL is the address of a picture with the account's QR code, shown
	// to those who have to follow: http(s), or a public path of this site.
	FollowQRURL string
	// FollowRecheck is how long WeChat's answer that somebody follows is
	// believed; default 10 minutes.
	FollowRecheck time.Duration
	// Tokens are the account's, for what is asked in its own name.
	Tokens *wechat.TokenSource
	// AllowOpenIDsFile and DenyOpenIDsFile name files with one openid or unionid
	// a line, where # begins a comment, read again when they change. With an
	// allow list nobody else may enter; the deny list goes before it.
	AllowOpenIDsFile string
	DenyOpenIDsFile  string
	// KeepFragment keeps what stands behind the # of an address, a hash router's
	// page, through the login: page loads that have to sign in get a small page
	// with a script, which sends the fragment to the gateway.
	KeepFragment bool
	// Tickets sign this site's pages for WeChat's JS-SDK; nil: there is no
	// {prefix}/jssdk.
	Tickets *wechat.TicketSource
	// ReturnHosts are further hosts, beside that of PublicURL, that return_to
	// may name.
	ReturnHosts []string
	// PagesDir is a directory of templates that stand in place of the built-in
	// pages of the same file names. It is read once.
	PagesDir string
	// VerifyFiles are the tokens of the MP_verify_<token>.txt files to serve.
	VerifyFiles []string

	// CookieName is the session cookie's name; default "wxgate".
	CookieName string
	// CookieDomain shares the session over the subdomains of a domain.
	CookieDomain string
	// SessionTTL ends a session unused for so long, default 24 hours;
	// SessionMaxTTL ends each one so long after its login, default 720 hours.
	SessionTTL    time.Duration
	SessionMaxTTL time.Duration

	// TrustedProxies are the addresses whose X-Forwarded-*, X-Original-* and
	// X-Request-ID headers are believed; default none.
	TrustedProxies []netip.Prefix
	// LoginRate bounds the login starts and callbacks of one client address;
	// the zero value is no limit.
	LoginRate Rate

	// Logger receives access lines and errors; the zero value discards them.
	Logger zerolog.Logger
	// AccessLog writes a line per request.
	AccessLog bool
	// Metrics is where the gateway registers its metrics; nil: nowhere.
	Metrics prometheus.Registerer
}

// Rate is a number of events in a time. A Count of zero is no limit.
type Rate struct {
	Count int
	Per   time.Duration
}

// OutsideWeChat is what a visitor without a session gets whose browser is not
// WeChat's own.
type OutsideWeChat string

const (
	// OutsideRedirect sends her to WeChat all the same, whose page asks her to
	// open the address in WeChat.
	OutsideRedirect OutsideWeChat = "redirect"
	// OutsidePage shows a page that asks the same, with a QR code.
	OutsidePage OutsideWeChat = "page"
	// OutsideQRConnect sends her to WeChat's scan login for websites, of
	// [Config.ScanAccount].
	OutsideQRConnect OutsideWeChat = "qrconnect"
	// OutsideDeny answers 403.
	OutsideDeny OutsideWeChat = "deny"
)

// Gateway guards a web app. It is safe for concurrent use; make one with
// [New].
type Gateway struct {
	publicURL *url.URL
	prefix    string
	account   *wechat.Client
	scan      *wechat.Client // for browsers other than WeChat's; nil: account is
	scope     wechat.Scope

	cookies  session.Config
	cookie   string // the session cookie's name
	sessions session.Store
	logins   *session.Logins
	lifetime session.Lifetime

	policy       policy
	lists        lists
	follow       *follow // nil: nobody has to
	tickets      *wechat.TicketSource
	returnHosts  map[string]bool
	verifyFiles  map[string]string // path → content
	denySnap     bool
	maxBody      int64
	keepFragment bool

	trust     trust
	limiter   *limiter
	exchanges exchanges
	pages     *pages
	own       http.Handler
	proxy     http.Handler

	logger    zerolog.Logger
	strayHost sync.Once // warns of it
	accessLog bool
	userHash  userHash
	metrics   *metrics
}

// New returns a gateway for the given configuration, or an error that says
// which field is wrong. It opens no connection.
func New(c Config) (*Gateway, error) {
	publicURL, err := parseOrigin(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("gateway: PublicURL: %w", err)
	}
	if c.Account == nil || c.Account.AppID == "" {
		return nil, errors.New("gateway: Account with an AppID is required")
	}
	g := &Gateway{
		publicURL: publicURL,
		prefix:    cmp.Or(c.Prefix, "/_wx"),
		account:   c.Account,
		scope:     cmp.Or(c.Scope, wechat.ScopeBase),
		lifetime: session.Lifetime{
			TTL:    cmp.Or(c.SessionTTL, 24*time.Hour),
			MaxTTL: cmp.Or(c.SessionMaxTTL, 720*time.Hour),
		},
		returnHosts:  allowedHosts(publicURL, c.ReturnHosts),
		verifyFiles:  verifyFiles(c.VerifyFiles),
		denySnap:     c.DenySnapshotUsers || c.RequireFollow,
		maxBody:      c.MaxBodyBytes,
		keepFragment: c.KeepFragment,
		tickets:      c.Tickets,
		trust:        trust(c.TrustedProxies),
		limiter:      newLimiter(c.LoginRate),
		logger:       c.Logger,
		accessLog:    c.AccessLog,
	}
	g.cookies = session.Config{
		Keys:     c.CookieKeys,
		Site:     publicURL.String(),
		AppID:    c.Account.AppID,
		Name:     c.CookieName,
		Domain:   c.CookieDomain,
		Secure:   publicURL.Scheme == "https",
		Lifetime: g.lifetime,
	}
	g.cookie = g.cookies.CookieName()

	var errs [10]error
	g.sessions, errs[0] = session.NewCookieStore(g.cookies)
	g.logins, errs[1] = session.NewLogins(g.cookies)
	g.policy, errs[2] = newPolicy(c.PublicPaths, c.APIPaths, c.OutsideWeChat)
	g.pages, errs[3] = newPages(c.PagesDir)
	g.metrics, errs[4] = newMetrics(c.Metrics)
	g.userHash, errs[5] = newUserHash(c.CookieKeys)
	g.proxy, errs[6] = g.newProxy(c)
	g.scan, errs[7] = scanAccount(c)
	g.follow, errs[8] = newFollow(c)
	g.lists, errs[9] = newLists(c.AllowOpenIDsFile, c.DenyOpenIDsFile, c.Logger)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	if c.Account.Observe == nil {
		c.Account.Observe = g.metrics.observeWeChat
	}
	if g.scan != nil && g.scan.Observe == nil {
		g.scan.Observe = g.metrics.observeWeChat
	}
	if g.follow != nil && g.follow.tokens.Client.Observe == nil {
		g.follow.tokens.Client.Observe = g.metrics.observeWeChat
	}
	g.own = g.routes()
	return g, nil
}

// ServeHTTP answers r itself, or forwards it to an upstream with the visitor's
// identity.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.serve(w, r, g.proxy)
}

// Wrap returns a handler that guards next, a handler in this process, as the
// gateway guards an upstream: next sees only requests that may pass, with the
// identity headers set, the gateway's cookies taken out, and [IdentityFrom]
// telling who asks.
func (g *Gateway) Wrap(next http.Handler) http.Handler {
	site := g.inProcess(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.serve(w, r, site)
	})
}
