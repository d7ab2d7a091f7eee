package gateway

import (
	"crypto/x509"
	"time"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// Site describes one site of a [Gateway]. PublicURL, Account and CookieKeys are
// required; every other field has a useful zero value.
type Site struct {
	// PublicURL is the origin that visitors use, "https://h5.example.com". It
	// decides cookie security and redirect_uri.
	PublicURL string
	// Hosts are further hosts at which the site answers. Case, port and a dot at
	// the end do not count.
	Hosts []string
	// Account is the official account that visitors sign in to.
	Account *wechat.Client
	// CookieKeys seal the cookies. The first one seals new cookies, all of them
	// are accepted.
	CookieKeys session.Keys

	// Upstreams are the web apps behind the gateway, by path prefix. Without any,
	// ServeHTTP answers the gateway's own endpoints only: enough for forward auth
	// and [Gateway.Wrap].
	Upstreams []Upstream
	// UpstreamTimeout limits the wait for an upstream's response header;
	// default 60 seconds.
	UpstreamTimeout time.Duration
	// UpstreamCAs verify https upstreams; nil: the system's.
	UpstreamCAs *x509.CertPool
	// MaxBodyBytes is the largest request body forwarded; 0: no limit.
	MaxBodyBytes int64

	// Scope is what a login asks for; default [wechat.ScopeBase].
	Scope wechat.Scope
	// PublicPaths need no session, APIPaths are never answered by a redirect or a
	// page. Both are [http.ServeMux] patterns without a host, and may overlap.
	// PublicPaths must not hold every path: see [CheckPublicPaths].
	PublicPaths []string
	APIPaths    []string
	// AccessLogSkip are the paths whose requests have no access line, such as those of
	// health checks: patterns as PublicPaths. Errors are logged all the same. A request
	// about which a proxy asks counts by its own path.
	AccessLogSkip []string
	// OutsideWeChat is what a visitor in another browser gets; default
	// [OutsideRedirect].
	OutsideWeChat OutsideWeChat
	// ScanAccount is the open platform's website application for scan login,
	// required with [OutsideQRConnect]. Its openids differ from the official
	// account's.
	ScanAccount *wechat.Client
	// DenySnapshotUsers keeps out the virtual accounts of WeChat's snapshot
	// pages.
	DenySnapshotUsers bool
	// RequireFollow admits only visitors who follow the account. It requires
	// Tokens, and keeps out snapshot users: WeChat does not tell who they are.
	RequireFollow bool
	// FollowQRURL is the address of a picture of the account's QR code, shown to
	// visitors who have to follow: http(s), or a public path of this site.
	FollowQRURL string
	// FollowRecheck is how long an answer about following is used before WeChat
	// is asked again; default 10 minutes.
	FollowRecheck time.Duration
	// Tokens are the account's access tokens.
	Tokens *wechat.TokenSource
	// AllowOpenIDsFile and DenyOpenIDsFile name files with one openid or unionid
	// a line, where # begins a comment. [Gateway.Run] rereads them. With an
	// allow list nobody else may enter; the deny list wins over it.
	AllowOpenIDsFile string
	DenyOpenIDsFile  string

	// AssertionKeysFile names a PEM file of Ed25519 or P-256 private keys, which
	// [Gateway.Run] rereads. The first key signs an X-WX-Assertion for each visitor's
	// requests; all public keys are served at {prefix}/jwks.json.
	AssertionKeysFile string
	// KeepFragment keeps the part of an address after #, a hash router's page,
	// through the login: a page load that has to sign in first gets a small page
	// whose script sends the fragment to the gateway.
	KeepFragment bool
	// Tickets sign this site's pages for WeChat's JS-SDK; nil: there is no
	// {prefix}/jssdk.
	Tickets *wechat.TicketSource
	// ReturnHosts are further hosts, beside that of PublicURL, that return_to may
	// name.
	ReturnHosts []string
	// PagesDir is a directory of templates that replace the built-in pages with
	// the same file names. It is read once.
	PagesDir string
	// VerifyFiles are the tokens of the MP_verify_<token>.txt files to serve.
	VerifyFiles []string

	// HubURL is the origin of another gateway, the hub, through which visitors of
	// this site sign in, because WeChat calls back only to the hub's domain;
	// empty: they sign in here. Hub and site need the same Prefix, HubKey, Account
	// and ScanAccount. The site's own rules decide who may enter, not the hub's.
	HubURL string
	// HubSites are the origins of the sites for which this site is the hub.
	HubSites []string
	// HubKey seals the tickets with which a hub sends visitors back; required
	// with HubURL and HubSites.
	HubKey session.Key

	// CookieName is the session cookie's name; default "wxgate".
	CookieName string
	// CookieDomain shares the session over the subdomains of a domain, not a public
	// suffix such as com.cn; empty: the host only.
	CookieDomain string
	// Sessions makes the store of the sessions from the description of their cookies;
	// nil: [session.NewCookieStore]. See package
	// [github.com/wxgate/wxgate/session/redisstore].
	Sessions func(session.Config) (session.Store, error)
	// Exchanges makes what has each login's code exchanged once over all replicas, from
	// the description of the site's cookies; nil: each replica exchanges for itself.
	Exchanges func(session.Config) Exchanges
	// SessionTTL ends a session that was unused for so long, default 24 hours;
	// SessionMaxTTL ends each session so long after its login, default 720 hours.
	SessionTTL    time.Duration
	SessionMaxTTL time.Duration
	// PassAccessToken adds the header X-WX-Access-Token, the visitor's web access
	// token, to the requests that pass as the visitor. It requires Sessions with a
	// [session.Updater]. The token is renewed shortly before it ends, for 30 days from
	// the login. There is no header for snapshot users, whose token is that of a virtual
	// account, for visitors who sign in through a hub, which passes no token through the
	// browser, for sessions that began without PassAccessToken, and when WeChat has
	// refused to renew the token.
	PassAccessToken bool
}

// OutsideWeChat is what a visitor without a session gets whose browser is not
// WeChat's own.
type OutsideWeChat string

const (
	// OutsideRedirect redirects to WeChat all the same, whose page asks to open
	// the address in WeChat.
	OutsideRedirect OutsideWeChat = "redirect"
	// OutsidePage shows a page that asks the same, with a QR code.
	OutsidePage OutsideWeChat = "page"
	// OutsideQRConnect redirects to WeChat's scan login for websites, of
	// [Site.ScanAccount].
	OutsideQRConnect OutsideWeChat = "qrconnect"
	// OutsideDeny answers 403.
	OutsideDeny OutsideWeChat = "deny"
)
