// Package config turns the environment into the configuration of one wxgate
// process. Every value is parsed once, into a type that cannot be wrong; what
// does not parse, is missing, contradicts another value or has an unknown name
// is told in one error, [*Faults], all of it at once.
package config

import (
	"crypto/x509"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// Config is a checked configuration, as [Load] gives it. Its tags are the
// reference of wxgate's environment:
//
//   - env is the variable and envDefault its default;
//   - meaning says what it is for, in the words of `wxgate env`;
//   - required marks a variable without which wxgate does not start, and says
//     what it is and where to get it;
//   - secret marks one that may come from the file that NAME_FILE names, and
//     that no message repeats;
//   - oneof lists the only words allowed;
//   - account marks what it takes to call WeChat's API, see [LoadAccount];
//   - process marks what the sites of one process cannot differ in, see [Site];
//   - unset is what the table says of a variable whose absence means something.
//
// With several sites, the unnumbered variables are what the sites share, and
// none of them is required: what the process itself needs is sound, the rest
// may be at its default or zero, and Sites tells the sites.
//
// A Config may be logged whole: its secrets redact themselves.
type Config struct {
	AppID      string        `env:"WXGATE_APP_ID" meaning:"the official account's AppID" account:"true" required:"the AppID of your official account, shown among its settings at mp.weixin.qq.com"`
	AppSecret  wechat.Secret `env:"WXGATE_APP_SECRET" account:"true" secret:"true" meaning:"its AppSecret; never logged, never sent to a browser or the upstream" required:"the AppSecret of your official account, made at mp.weixin.qq.com beside the AppID; WXGATE_APP_SECRET_FILE may name a file that holds it"`
	Upstream   Upstreams     `env:"WXGATE_UPSTREAM" meaning:"the site: http://, https://, h2c:// or unix:///path; or several by path, longest prefix wins: /=http://web:80,/api/=http://api:8080" unset:"required in proxy mode" required:"the address of your site, such as http://127.0.0.1:3000; or set WXGATE_MODE=forward-auth where nothing is to be forwarded"`
	Mode       string        `env:"WXGATE_MODE" envDefault:"proxy" oneof:"proxy,forward-auth" meaning:"proxy: stands in front of the upstream; forward-auth: has no upstream, answers another proxy that asks it about each request"`
	PublicURL  origin.Origin `env:"WXGATE_PUBLIC_URL" meaning:"the origin that visitors use, such as https://h5.example.com; decides cookie security and redirect_uri" unset:"required without sites" required:"the origin that visitors use, such as https://h5.example.com"`
	CookieKeys session.Keys  `env:"WXGATE_COOKIE_KEYS" secret:"true" meaning:"one or more keys, base64, at least 32 bytes each; the first makes new cookies, all are accepted: rotation without sign-outs" required:"the keys that encrypt and sign the cookies; make one with: wxgate keygen; WXGATE_COOKIE_KEYS_FILE may name a file that holds them"`

	Listen      string       `env:"WXGATE_LISTEN" process:"true" envDefault:":8080" meaning:"the gateway's address"`
	AdminListen string       `env:"WXGATE_ADMIN_LISTEN" process:"true" envDefault:":9090" meaning:"address of health, metrics and the admin API; set to empty: none"`
	Prefix      string       `env:"WXGATE_PREFIX" process:"true" envDefault:"/_wx" meaning:"path of wxgate's own endpoints"`
	Scope       wechat.Scope `env:"WXGATE_SCOPE" envDefault:"snsapi_base" oneof:"snsapi_base,snsapi_userinfo" meaning:"what a login asks for: snsapi_base, or snsapi_userinfo (nickname and picture too)"`

	SessionTTL    time.Duration `env:"WXGATE_SESSION_TTL" envDefault:"24h" meaning:"a session unused for so long ends (sliding: reissued once half of it has passed)"`
	SessionMaxTTL time.Duration `env:"WXGATE_SESSION_MAX_TTL" envDefault:"720h" meaning:"no session outlives this from its login"`
	SessionStore  string        `env:"WXGATE_SESSION_STORE" envDefault:"cookie" oneof:"cookie" meaning:"cookie: the whole session in one encrypted cookie"`
	CookieName    string        `env:"WXGATE_COOKIE_NAME" envDefault:"wxgate" meaning:"session cookie; the browser's Host prefix is put before it when it is Secure and no domain is set"`
	CookieDomain  string        `env:"WXGATE_COOKIE_DOMAIN" meaning:"share the session over the subdomains of this domain"`

	PublicPaths      Patterns      `env:"WXGATE_PUBLIC_PATHS" meaning:"paths that need no session; Go ServeMux patterns: /static/, GET /news/{id}, /favicon.ico"`
	APIPaths         Patterns      `env:"WXGATE_API_PATHS" meaning:"paths that answer 401 JSON, never a redirect; same patterns"`
	OutsideWeChat    string        `env:"WXGATE_OUTSIDE_WECHAT" envDefault:"redirect" oneof:"redirect,page,qrconnect,deny" meaning:"a visitor whose browser is not WeChat's: redirect to WeChat all the same, page (asks to open in WeChat, with a QR code of the address), qrconnect (scan login, needs the two below), deny (403)"`
	QRAppID          string        `env:"WXGATE_QR_APP_ID" meaning:"AppID of the open platform's website application for qrconnect"`
	QRAppSecret      wechat.Secret `env:"WXGATE_QR_APP_SECRET" secret:"true" meaning:"its AppSecret"`
	KeepFragment     bool          `env:"WXGATE_KEEP_FRAGMENT" envDefault:"false" meaning:"keep the part of an address after # (hash routers) through the login, by a small interstitial page"`
	SnapshotUsers    string        `env:"WXGATE_SNAPSHOT_USERS" envDefault:"allow" oneof:"allow,deny" meaning:"WeChat's snapshot-page virtual accounts: allow (marked), or deny (a page that tells how to go on)"`
	RequireFollow    bool          `env:"WXGATE_REQUIRE_FOLLOW" envDefault:"false" meaning:"only followers get in; others see a page with the account's QR code"`
	FollowQRURL      PictureURL    `env:"WXGATE_FOLLOW_QR_URL" meaning:"picture shown on that page: an https:// address, or a path of the site such as /static/qr.png"`
	FollowRecheck    time.Duration `env:"WXGATE_FOLLOW_RECHECK" envDefault:"10m" meaning:"how long an answer about following is believed"`
	AllowOpenIDsFile string        `env:"WXGATE_ALLOW_OPENIDS_FILE" meaning:"file of the only openids that get in, one a line, # begins a comment; reread when the file changes"`
	DenyOpenIDsFile  string        `env:"WXGATE_DENY_OPENIDS_FILE" meaning:"file of openids that do not get in; likewise"`
	JSSDK            bool          `env:"WXGATE_JSSDK" envDefault:"false" meaning:"turns on the endpoint jssdk under the prefix, which signs addresses of this site for wx.config"`
	TokenMode        string        `env:"WXGATE_TOKEN_MODE" envDefault:"stable" oneof:"stable,legacy" account:"true" meaning:"where the account's access token comes from: stable (cgi-bin/stable_token), or legacy (cgi-bin/token, for one replica alone: each fetch voids the token before)"`
	RelayListen      string        `env:"WXGATE_RELAY_LISTEN" process:"true" meaning:"address of the API relay, on a private network: it forwards calls of the site's servers to WeChat with the access token added"`
	RelayPaths       Patterns      `env:"WXGATE_RELAY_PATHS" process:"true" meaning:"what the relay forwards, patterns as above: POST /cgi-bin/message/template/send; anything else is 403"`
	VerifyFiles      VerifyFiles   `env:"WXGATE_VERIFY_FILES" meaning:"tokens of the MP_verify_….txt files to serve at the root: abc123,def456"`

	AssertionKeysFile string `env:"WXGATE_ASSERTION_KEYS_FILE" meaning:"file of PEM private keys (Ed25519 or P-256), the first signs: the upstream gets an X-WX-Assertion JWT, and the public keys are published; reread when the file changes"`

	TrustedProxies Prefixes `env:"WXGATE_TRUSTED_PROXIES" process:"true" meaning:"CIDRs whose X-Forwarded-…, X-Original-… and X-Request-ID are believed"`
	ReturnHosts    HostList `env:"WXGATE_RETURN_HOSTS" meaning:"further hosts that return_to may name"`
	LoginRate      Rate     `env:"WXGATE_LOGIN_RATE" process:"true" envDefault:"600/1m" meaning:"login starts and callbacks for one client address, above it 429 with Retry-After; 0: no limit"`
	MaxBody        ByteSize `env:"WXGATE_MAX_BODY" envDefault:"0" meaning:"largest request body forwarded, above it 413; 0: no limit"`

	UpstreamTimeout time.Duration `env:"WXGATE_UPSTREAM_TIMEOUT" envDefault:"60s" meaning:"until the upstream's response header"`
	UpstreamCAFile  string        `env:"WXGATE_UPSTREAM_CA_FILE" unset:"system" meaning:"PEM file of the CA for https:// upstreams"`
	WeChatTimeout   time.Duration `env:"WXGATE_WECHAT_TIMEOUT" account:"true" envDefault:"5s" meaning:"one call to WeChat"`
	WeChatAPIURL    BaseURL       `env:"WXGATE_WECHAT_API_URL" account:"true" envDefault:"https://api.weixin.qq.com" meaning:"for an emulator or a regional endpoint"`
	WeChatOpenURL   BaseURL       `env:"WXGATE_WECHAT_OPEN_URL" account:"true" envDefault:"https://open.weixin.qq.com" meaning:"likewise"`

	TLSCertFile string `env:"WXGATE_TLS_CERT_FILE" process:"true" meaning:"PEM certificate chain: serve HTTPS on the main listener (the admin listener stays HTTP); reread when the file changes"`
	TLSKeyFile  string `env:"WXGATE_TLS_KEY_FILE" process:"true" meaning:"its PEM private key; reread likewise"`

	PagesDir   string        `env:"WXGATE_PAGES_DIR" unset:"built in" meaning:"folder of templates that replace the built-in pages, by file name"`
	AdminToken wechat.Secret `env:"WXGATE_ADMIN_TOKEN" process:"true" secret:"true" meaning:"bearer token of the admin API, which hands out the access token; unset: that API is off"`

	LogLevel  zerolog.Level `env:"WXGATE_LOG_LEVEL" process:"true" envDefault:"info" oneof:"debug,info,warn,error" meaning:"least level that is logged: debug, info, warn, error"`
	LogFormat string        `env:"WXGATE_LOG_FORMAT" process:"true" envDefault:"json" oneof:"json,console" meaning:"json or console"`
	AccessLog bool          `env:"WXGATE_ACCESS_LOG" process:"true" envDefault:"true" meaning:"a line per request"`

	DrainDelay      time.Duration `env:"WXGATE_DRAIN_DELAY" process:"true" envDefault:"5s" meaning:"how long the listener goes on after SIGTERM, while readiness is 503"`
	ShutdownTimeout time.Duration `env:"WXGATE_SHUTDOWN_TIMEOUT" process:"true" envDefault:"30s" meaning:"how long the requests in flight then get to end"`

	ExtAuthzListen string `env:"WXGATE_EXTAUTHZ_LISTEN" process:"true" meaning:"address of the Envoy ext_authz gRPC service"`

	HubURL   origin.Origin `env:"WXGATE_HUB_URL" meaning:"origin of the hub: another wxgate, whose callback domain this one's visitors sign in through"`
	HubSites Origins       `env:"WXGATE_HUB_SITES" meaning:"makes this wxgate a hub: the origins of the sites that sign in through it, such as https://shop1.cn,https://shop2.cn"`
	HubKey   session.Key   `env:"WXGATE_HUB_KEY" secret:"true" meaning:"the key that a hub and its sites share, base64, at least 32 bytes"`

	// Sites are the several sites of the process, in the order of their
	// numbers; empty for the one site of the unnumbered variables.
	Sites []Site `env:"-"`

	// UpstreamCAs holds the certificates of UpstreamCAFile; nil, as net/http
	// has it, for the system's.
	UpstreamCAs *x509.CertPool `env:"-" json:"-"`
}
