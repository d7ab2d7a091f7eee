// Package config reads the configuration of a wxgate process from environment
// variables. It parses each value once, into a type that holds valid values
// only, and reports all mistakes together in one error, [*Faults]: values that
// do not parse, missing values, contradictions and unknown names.
package config

import (
	"crypto/x509"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/wechat"
)

// Config is a checked configuration, as [Load] returns it. Its fields are the
// reference of the variables, in the order of `wxgate env`: to add a variable,
// add a field here. Its comment says what the variable is for. `wxgate env` and
// the README show the comment's first paragraph; the second paragraph, which
// only required variables have, is shown when the variable is not set. The tags
// are:
//
//   - env: the name without WXGATE_
//   - envDefault: the default
//   - oneof: the only values allowed
//   - unset: the default in the words of `wxgate env`, where there is no value
//   - kind: a list of the words below
//
// The kinds are:
//
//   - required: wxgate does not start without the variable
//   - secret: no message shows the value, and it may also come from the file
//     that NAME_FILE names
//   - account: needed to call WeChat's API, see [LoadAccount]
//   - process: one value for all sites of the process, see [Site]
//
// If there are Sites, the other fields hold the values that the sites share.
// Then only those of kind process are certain to be set; any other may have its
// default or its zero value.
//
// A Config may be logged: its secrets print as [redacted].
type Config struct {
	// the official account's AppID
	//
	// the AppID of your official account, shown among its settings at
	// mp.weixin.qq.com
	AppID string `env:"APP_ID" kind:"required,account"`

	// its AppSecret; never logged, never sent to a browser or the upstream
	//
	// the AppSecret of your official account, made at mp.weixin.qq.com beside the
	// AppID
	AppSecret wechat.Secret `env:"APP_SECRET" kind:"required,secret,account"`

	// the site: http://, https://, h2c:// or unix:///path; or several by path,
	// longest prefix wins: /=http://web:80,/api/=http://api:8080
	//
	// the address of your site, such as http://127.0.0.1:3000; or set
	// WXGATE_MODE=forward-auth where nothing is to be forwarded
	Upstream Upstreams `env:"UPSTREAM" unset:"required in proxy mode" kind:"required"`

	// proxy: forwards requests to the upstream; forward-auth: has no upstream,
	// answers another proxy that asks about each request
	Mode string `env:"MODE" envDefault:"proxy" oneof:"proxy,forward-auth"`

	// the origin that visitors use, such as https://h5.example.com; decides cookie
	// security and redirect_uri
	//
	// the origin that visitors use, such as https://h5.example.com
	PublicURL origin.Origin `env:"PUBLIC_URL" unset:"required without sites" kind:"required"`

	// one or more keys, base64, at least 32 bytes each; the first makes new
	// cookies, all are accepted: rotation without sign-outs
	//
	// the keys that encrypt and sign the cookies; make one with: wxgate keygen
	CookieKeys session.Keys `env:"COOKIE_KEYS" kind:"required,secret"`

	// the gateway's address
	Listen string `env:"LISTEN" envDefault:":8080" kind:"process"`

	// address of health, metrics and the admin API; set to empty: none
	AdminListen string `env:"ADMIN_LISTEN" envDefault:":9090" kind:"process"`

	// path of wxgate's own endpoints
	Prefix string `env:"PREFIX" envDefault:"/_wx" kind:"process"`

	// what a login asks for: snsapi_base, or snsapi_userinfo (nickname and picture
	// too)
	Scope wechat.Scope `env:"SCOPE" envDefault:"snsapi_base" oneof:"snsapi_base,snsapi_userinfo"`

	// idle time after which a session ends (sliding: the cookie is renewed once
	// half of it has passed)
	SessionTTL time.Duration `env:"SESSION_TTL" envDefault:"24h"`

	// longest life of a session, from its login
	SessionMaxTTL time.Duration `env:"SESSION_MAX_TTL" envDefault:"720h"`

	// cookie: the whole session in one encrypted cookie; redis: the cookie holds
	// only a signed random id, the record lives in Redis
	SessionStore string `env:"SESSION_STORE" envDefault:"cookie" oneof:"cookie,redis"`

	// redis://user:password@h:6379/0, or rediss:// for TLS; several hosts:
	// redis+sentinel://h1,h2/0?master=NAME (sentinel_username, sentinel_password),
	// redis+cluster://h1,h2; rediss+sentinel:// and rediss+cluster:// likewise
	RedisURL redisstore.Address `env:"REDIS_URL" kind:"secret,process"`

	// PEM file of the CA for rediss
	RedisCAFile string `env:"REDIS_CA_FILE" unset:"system" kind:"process"`

	// while Redis does not answer, a session that this process has seen valid within
	// so long goes on; 0: not at all
	RedisGrace time.Duration `env:"REDIS_GRACE" envDefault:"10s" kind:"process"`

	// name of the session cookie; the prefix __Host- is put before it when it is
	// Secure and no domain is set
	CookieName string `env:"COOKIE_NAME" envDefault:"wxgate"`

	// share the session over the subdomains of this domain
	CookieDomain string `env:"COOKIE_DOMAIN"`

	// paths that need no session; Go ServeMux patterns: /static/, GET /news/{id},
	// /favicon.ico, OPTIONS /; it does not matter which of several matches. A pattern
	// with a *, or one that opens every path, such as /, is an error; /{$} is the
	// home page alone
	PublicPaths Patterns `env:"PUBLIC_PATHS"`

	// paths that answer 401 JSON, never a redirect; same patterns
	APIPaths Patterns `env:"API_PATHS"`

	// a visitor whose browser is not WeChat's: redirect to WeChat all the same,
	// page (asks to open in WeChat, with a QR code of the address), qrconnect (scan
	// login, needs the two below), deny (403)
	OutsideWeChat string `env:"OUTSIDE_WECHAT" envDefault:"redirect" oneof:"redirect,page,qrconnect,deny"`

	// AppID of the open platform's website application for qrconnect
	QRAppID string `env:"QR_APP_ID"`

	// its AppSecret
	QRAppSecret wechat.Secret `env:"QR_APP_SECRET" kind:"secret"`

	// keep the part of an address after # (hash routers) through the login, by a
	// small interstitial page
	KeepFragment bool `env:"KEEP_FRAGMENT" envDefault:"false"`

	// WeChat's snapshot-page virtual accounts: allow (marked), or deny (a page that
	// explains how to continue)
	SnapshotUsers string `env:"SNAPSHOT_USERS" envDefault:"allow" oneof:"allow,deny"`

	// only followers get in; others see a page with the account's QR code
	RequireFollow bool `env:"REQUIRE_FOLLOW" envDefault:"false"`

	// picture shown on that page: an https:// address, or a path of the site such
	// as /static/qr.png
	FollowQRURL PictureURL `env:"FOLLOW_QR_URL"`

	// how long the answer to a follow check is kept
	FollowRecheck time.Duration `env:"FOLLOW_RECHECK" envDefault:"10m"`

	// file of the only openids that get in, one a line, # begins a comment; reread
	// when the file changes
	AllowOpenIDsFile string `env:"ALLOW_OPENIDS_FILE"`

	// file of openids that do not get in; likewise
	DenyOpenIDsFile string `env:"DENY_OPENIDS_FILE"`

	// turns on the endpoint jssdk under the prefix, which signs addresses of this
	// site for wx.config
	JSSDK bool `env:"JSSDK" envDefault:"false"`

	// where the account's access token comes from: stable (cgi-bin/stable_token),
	// or legacy (cgi-bin/token, needs Redis when several replicas run: each fetch
	// invalidates the token before)
	TokenMode string `env:"TOKEN_MODE" envDefault:"stable" oneof:"stable,legacy" kind:"account"`

	// address of the API relay, on a private network: it forwards calls of the
	// site's servers to WeChat with the access token added
	RelayListen string `env:"RELAY_LISTEN" kind:"process"`

	// what the relay forwards, patterns as above: POST
	// /cgi-bin/message/template/send; anything else is 403
	RelayPaths Patterns `env:"RELAY_PATHS" kind:"process"`

	// names by which the relay may be asked, beside IP addresses, localhost, names
	// without a dot and names under .svc, .svc.cluster.local, .internal and .local;
	// any other Host is 421 (DNS rebinding)
	RelayHosts HostList `env:"RELAY_HOSTS" kind:"process"`

	// tokens of the MP_verify_….txt files to serve at the root: abc123,def456
	VerifyFiles VerifyFiles `env:"VERIFY_FILES"`

	// send X-WX-Access-Token, the visitor's web access token, to the upstream; Redis
	// store only
	PassAccessToken bool `env:"PASS_ACCESS_TOKEN" envDefault:"false"`

	// file of PEM private keys (Ed25519 or P-256), the first signs: the upstream
	// gets an X-WX-Assertion JWT, and the public keys are published; reread when
	// the file changes
	AssertionKeysFile string `env:"ASSERTION_KEYS_FILE"`

	// CIDRs of the proxies whose X-Forwarded-…, X-Original-… and X-Request-ID are
	// trusted
	TrustedProxies Prefixes `env:"TRUSTED_PROXIES" kind:"process"`

	// further hosts that return_to may name
	ReturnHosts HostList `env:"RETURN_HOSTS"`

	// login starts, callbacks and JS-SDK signatures for one client address, above it
	// 429 with Retry-After; 0: no limit
	LoginRate gateway.Rate `env:"LOGIN_RATE" envDefault:"600/1m" kind:"process"`

	// largest request body forwarded, above it 413; 0: no limit
	MaxBody ByteSize `env:"MAX_BODY" envDefault:"0"`

	// longest wait for the upstream's response header
	UpstreamTimeout time.Duration `env:"UPSTREAM_TIMEOUT" envDefault:"60s"`

	// a client that for so long sends nothing of the body it owes, or takes nothing
	// of an answer that waits for it, is cut off; event streams and WebSockets that
	// are silent because nobody has anything to say are not; 0: no limit
	StallTimeout time.Duration `env:"STALL_TIMEOUT" envDefault:"60s" kind:"process"`

	// PEM file of the CA for https:// upstreams
	UpstreamCAFile string `env:"UPSTREAM_CA_FILE" unset:"system"`

	// longest time for one call to WeChat
	WeChatTimeout time.Duration `env:"WECHAT_TIMEOUT" envDefault:"5s" kind:"account"`

	// address of WeChat's API; another one for an emulator or a regional endpoint
	WeChatAPIURL BaseURL `env:"WECHAT_API_URL" envDefault:"https://api.weixin.qq.com" kind:"account"`

	// address of WeChat's authorize pages; likewise
	WeChatOpenURL BaseURL `env:"WECHAT_OPEN_URL" envDefault:"https://open.weixin.qq.com" kind:"account"`

	// PEM certificate chain: serve HTTPS on the main listener (the admin listener
	// stays HTTP); reread when the file changes
	TLSCertFile string `env:"TLS_CERT_FILE" kind:"process"`

	// its PEM private key; reread likewise
	TLSKeyFile string `env:"TLS_KEY_FILE" kind:"process"`

	// folder of templates that replace the built-in pages, by file name
	PagesDir string `env:"PAGES_DIR" unset:"built in"`

	// bearer token of the admin API, which hands out the access token, at least 16
	// characters; unset: that API is off
	AdminToken wechat.Secret `env:"ADMIN_TOKEN" kind:"secret,process"`

	// lowest level that is logged: debug, info, warn, error
	LogLevel zerolog.Level `env:"LOG_LEVEL" envDefault:"info" oneof:"debug,info,warn,error" kind:"process"`

	// json or console
	LogFormat string `env:"LOG_FORMAT" envDefault:"json" oneof:"json,console" kind:"process"`

	// log a line per request
	AccessLog bool `env:"ACCESS_LOG" envDefault:"true" kind:"process"`

	// paths without an access line, such as those of health checks; patterns as above;
	// a path that can be read two ways has its line
	AccessLogSkip Patterns `env:"ACCESS_LOG_SKIP"`

	// how long new requests are still accepted after SIGTERM, while readiness
	// answers 503
	DrainDelay time.Duration `env:"DRAIN_DELAY" envDefault:"5s" kind:"process"`

	// how long requests in flight and WebSockets may then take to end; WebSockets
	// get a close frame 1001 after that
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"30s" kind:"process"`

	// address of the Envoy ext_authz gRPC service
	ExtAuthzListen string `env:"EXTAUTHZ_LISTEN" kind:"process"`

	// origin of the hub: another wxgate, whose callback domain this one's visitors
	// sign in through
	HubURL origin.Origin `env:"HUB_URL"`

	// makes this wxgate a hub: the origins of the sites that sign in through it,
	// such as https://shop1.cn,https://shop2.cn
	HubSites Origins `env:"HUB_SITES"`

	// the key that a hub and its sites share, base64, at least 32 bytes
	HubKey session.Key `env:"HUB_KEY" kind:"secret"`

	// Tracing is what the variables of OpenTelemetry say; nil: tracing is off.
	Tracing *Tracing `env:"-"`

	// Sites are the sites of a process that serves several, in the order of their
	// numbers; empty if it serves the one site of the unnumbered variables.
	Sites []Site `env:"-"`

	// UpstreamCAs holds the certificates of UpstreamCAFile; nil, as in net/http,
	// for the system's.
	UpstreamCAs *x509.CertPool `env:"-" json:"-"`

	// RedisCAs holds the certificates of RedisCAFile; nil likewise.
	RedisCAs *x509.CertPool `env:"-" json:"-"`

	// sources are the settings that gave the variables their values, see Fault.
	sources map[string]source `env:"-"`
}
