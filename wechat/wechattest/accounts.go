package wechattest

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The credentials of the stock accounts. They are fake and never change, so that
// a development configuration can contain them.
const (
	StockAppID            = "wx7e57ab1ec0ffee01"
	StockAppSecret        = "c0ffee5ec2e70f7e57ab1e0dec0de123"
	StockWebsiteAppID     = "wx7e57ab1ec0ffee02"
	StockWebsiteAppSecret = "5ca1ab1e0ddba11c0ffee7e57ab1e321"

	stockOpenPlatformID = "stock-open-platform"
)

// Kind is the kind of an [Account].
type Kind string

// The kinds of accounts. Web authorization is for verified service accounts,
// sandbox test accounts, and verified subscription accounts of government bodies
// and the media [WeChat's web authorization guide].
const (
	KindService      Kind = "service"
	KindSubscription Kind = "subscription"
	KindTest         Kind = "test"
	KindWebsite      Kind = "website" // a website application of the open platform, for scan login
)

// Account is an official account, or a website application of the open platform.
type Account struct {
	AppID  string `json:"appid"`
	Secret string `json:"secret"`
	// Name is shown on the pages; default: the AppID.
	Name string `json:"name,omitempty"`
	Kind Kind   `json:"kind"`
	// Verified: an unverified account may not use web authorization or list
	// followers.
	Verified bool `json:"verified"`
	// GovernmentOrMedia: a subscription account of a government body or the media,
	// which may use web authorization if it is verified.
	GovernmentOrMedia bool `json:"government_or_media,omitempty"`
	// Banned: the authorize page shows error 10004.
	Banned bool `json:"banned,omitempty"`
	// SecretFrozen: calls with the secret get 40243.
	SecretFrozen bool `json:"secret_frozen,omitempty"`
	// OpenPlatformID connects accounts: a visitor has the same unionid for all
	// accounts with the same one. Empty: no unionid.
	OpenPlatformID string `json:"open_platform_id,omitempty"`
	// CallbackDomains are the hosts, or host/path, that redirect_uri may have. An
	// account of kind test or website may also list host:port, host:* (any port)
	// or * (any host).
	CallbackDomains []string `json:"callback_domains"`
	// JSDomains are the domains on which wx.config works, in the same forms.
	JSDomains []string `json:"js_domains,omitempty"`
	// IPAllowList are the addresses and CIDRs that may call cgi-bin, with the secret
	// or with the global token; empty: all addresses.
	IPAllowList []string `json:"ip_allow_list,omitempty"`
	// TemplateIDs are the templates of which the account may send messages; empty:
	// any.
	TemplateIDs []string `json:"template_ids,omitempty"`
}

// StockAccount is an account for local development: a verified test account that
// sends visitors back to localhost, 127.0.0.1 and [::1] on any port.
func StockAccount() Account {
	return Account{
		AppID: StockAppID, Secret: StockAppSecret, Name: "测试公众号", Kind: KindTest, Verified: true,
		OpenPlatformID:  stockOpenPlatformID,
		CallbackDomains: []string{"127.0.0.1:*", "localhost:*", "[::1]:*"},
		JSDomains:       []string{"127.0.0.1:*", "localhost:*", "[::1]:*"},
	}
}

// StockWebsite is the website application for scan login that belongs to
// [StockAccount]: a visitor has the same unionid at both.
func StockWebsite() Account {
	return Account{
		AppID: StockWebsiteAppID, Secret: StockWebsiteAppSecret, Name: "测试网站应用", Kind: KindWebsite, Verified: true,
		OpenPlatformID:  stockOpenPlatformID,
		CallbackDomains: []string{"127.0.0.1:*", "localhost:*", "[::1]:*"},
	}
}

// account is an Account and its state.
type account struct {
	Account
	added        time.Time
	synthetic    int // followers who are not visitors, see SetFollowers
	legacy       *globalToken
	stable       *globalToken
	forcedOut    *globalToken      // the stable token before the latest forced renewal
	forced       []time.Time       // forced renewals of the last day
	tickets      map[string]ticket // by type
	quotaCleared map[string]int    // by month
	tags         tags
	menus        menus
	messages     int // number of template messages sent so far
}

func (a *account) name() string {
	if a.Name == "" {
		return a.AppID
	}
	return a.Name
}

// SetAccount adds an account, or replaces the one with the same AppID, keeping its
// tokens and followers. The error says what is malformed.
func (e *Emulator) SetAccount(a Account) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("account %q: %w", a.AppID, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.accounts.find(a.AppID); known != nil {
		known.Account = a
		return nil
	}
	e.accounts = append(e.accounts, &account{
		Account: a, added: e.clock.now(), tickets: map[string]ticket{}, quotaCleared: map[string]int{},
		tags: newTags(),
	})
	return nil
}

// Accounts lists the accounts in the order in which they were added.
func (e *Emulator) Accounts() []Account {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []Account
	for _, a := range e.accounts {
		list = append(list, a.Account)
	}
	return list
}

// FreezeSecret freezes an account's secret, as its administrator can in the
// console: calls with it get 40243 until [Emulator.SetAccount] unfreezes it. An
// unknown AppID is ignored.
func (e *Emulator) FreezeSecret(appID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a := e.accounts.find(appID); a != nil {
		a.SecretFrozen = true
	}
}

// accounts are in the order in which they were added.
type accounts []*account

func (a accounts) find(appID string) *account {
	for _, one := range a {
		if one.AppID == appID {
			return one
		}
	}
	return nil
}

// unionID is the unionid of a person, who may be a visitor, a synthetic follower
// or a virtual visitor. It is empty for an account without an open platform.
func (a accounts) unionID(appID, person string) string {
	account := a.find(appID)
	if account == nil || account.OpenPlatformID == "" {
		return ""
	}
	return "o" + identifier("unionid", account.OpenPlatformID, person)
}

func (a *Account) check() error {
	if a.AppID == "" || a.Secret == "" {
		return fmt.Errorf("want an appid and a secret")
	}
	if !slices.Contains([]Kind{KindService, KindSubscription, KindTest, KindWebsite}, a.Kind) {
		return fmt.Errorf("unknown kind %q", a.Kind)
	}
	for _, entry := range slices.Concat(a.CallbackDomains, a.JSDomains) {
		d := parseDomain(entry)
		if d.host == "" || strings.Contains(entry, "://") {
			return fmt.Errorf("domain %q: want a host or host/path, without scheme", entry)
		}
		_, err := netip.ParseAddr(d.host)
		local := a.Kind == KindTest || a.Kind == KindWebsite
		if !local && (d.port != "" || d.host == "*" || err == nil) {
			return fmt.Errorf("domain %q: a %s account cannot have a port, address or wildcard", entry, a.Kind)
		}
	}
	for _, entry := range a.IPAllowList {
		if _, err := parseAllowed(entry); err != nil {
			return fmt.Errorf("ip allow-list: %w", err)
		}
	}
	return nil
}

// mayAuthorize reports whether the account may use web authorization.
func (a *Account) mayAuthorize() bool {
	return a.Verified && (a.Kind != KindSubscription || a.GovernmentOrMedia)
}

func parseAllowed(entry string) (netip.Prefix, error) {
	if strings.Contains(entry, "/") {
		return netip.ParsePrefix(entry)
	}
	addr, err := netip.ParseAddr(entry)
	if err != nil {
		return netip.Prefix{}, err
	}
	return addr.Prefix(addr.BitLen())
}

func (a *Account) allowsIP(ip netip.Addr) bool {
	return len(a.IPAllowList) == 0 || slices.ContainsFunc(a.IPAllowList, func(entry string) bool {
		p, err := parseAllowed(entry)
		return err == nil && p.Contains(ip.Unmap())
	})
}

// domain is one entry of an account's domain settings.
type domain struct{ host, port, path string }

func parseDomain(entry string) domain {
	var d domain
	d.host, d.path, _ = strings.Cut(strings.ToLower(entry), "/")
	if colon := strings.LastIndexByte(d.host, ':'); colon > strings.LastIndexByte(d.host, ']') {
		d.host, d.port = d.host[:colon], d.host[colon+1:]
	}
	d.host = strings.Trim(d.host, "[]")
	_, d.path, _ = strings.Cut(entry, "/") // not lower case: a path is case-sensitive
	return d
}

// covers reports whether one of the entries allows an address: the same host
// regardless of case but not a sub-domain, the same port, and the path or one
// below it.
func covers(entries []string, u *url.URL) bool {
	return slices.ContainsFunc(entries, func(entry string) bool {
		d := parseDomain(entry)
		if d.host == "*" {
			return true
		}
		if d.host != strings.ToLower(u.Hostname()) || d.port != "*" && d.port != u.Port() {
			return false
		}
		path := strings.Trim(d.path, "/")
		return path == "" || strings.HasPrefix(u.Path+"/", "/"+path+"/") && !strings.Contains(u.Path, "/../")
	})
}
