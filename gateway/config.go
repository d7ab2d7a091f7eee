package gateway

import (
	"crypto/x509"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// Config says what a [Gateway] guards and how. PublicURL, Account and
// CookieKeys are required, unless there are Sites; every other field has a
// useful zero value.
type Config struct {
	// Sites are several sites instead of the one that the fields below describe;
	// a request's host says which it is for, one that is none's gets 421. What
	// concerns the whole gateway, and says so, is taken from here for all of them.
	Sites []Site

	// PublicURL is the origin that visitors use, "https://h5.example.com". It
	// decides cookie security and redirect_uri.
	PublicURL string
	// Account is the official account that visitors sign in to. New sets its
	// Observe field where that is nil.
	Account *wechat.Client
	// CookieKeys seal the cookies: one or more keys of at least 32 bytes. The
	// first makes new cookies, all are accepted.
	CookieKeys session.Keys

	// Upstreams are the web apps behind the gateway, by path prefix. Without
	// any, ServeHTTP answers the gateway's own endpoints alone, which is all that
	// forward auth and [Gateway.Wrap] need.
	Upstreams []Upstream
	// UpstreamTimeout bounds the wait for an upstream's response header;
	// default 60 seconds.
	UpstreamTimeout time.Duration
	// UpstreamCAs verify https upstreams; nil: the system's.
	UpstreamCAs *x509.CertPool
	// MaxBodyBytes is the largest request body forwarded; 0: no limit.
	MaxBodyBytes int64

	// Prefix is the path of the gateway's own endpoints; default "/_wx". It is
	// the whole gateway's.
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
	// AssertionKeysFile names a PEM file with Ed25519 or P-256 private keys, read
	// again when it changes. The first signs an X-WX-Assertion for each visitor's
	// requests, all are published at {prefix}/jwks.json.
	AssertionKeysFile string
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
	// HubURL is the origin of the gateway at which visitors of this site sign in,
	// the hub, where WeChat calls back to the hub's domain alone; empty: they sign
	// in here. Hub and site have the same Prefix, HubKey and Account, and the same
	// ScanAccount where the site has one. Who may enter, and from which browser, is
	// the site's to say: the hub's rules are for its own visitors.
	HubURL string
	// HubSites are the origins of the sites that this gateway is the hub of.
	HubSites []string
	// HubKey seals the tickets with which a hub sends visitors back: at least 32
	// bytes, required with either.
	HubKey session.Key
	// PagesDir is a directory of templates that stand in place of the built-in
	// pages of the same file names. It is read once. With Sites, the gateway's
	// own has the page for hosts that are no site's.
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

	// What follows concerns the whole gateway.

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

// Site is one of several sites behind a [Gateway].
type Site struct {
	// Hosts are the hosts at which the site answers, beside that of its
	// PublicURL. Case, port and a dot at the end do not count.
	Hosts []string
	// Config is the site's own; what concerns the whole gateway is not looked at.
	Config
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
