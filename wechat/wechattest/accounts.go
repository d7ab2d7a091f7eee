package wechattest

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The stock account's credentials. They are fake and fixed, so that they can
// stand in a development configuration.
const (
	StockAppID            = "wx7e57ab1ec0ffee01"
	StockAppSecret        = "c0ffee5ec2e70f7e57ab1e0dec0de123"
	StockWebsiteAppID     = "wx7e57ab1ec0ffee02"
	StockWebsiteAppSecret = "5ca1ab1e0ddba11c0ffee7e57ab1e321"

	stockOpenPlatformID = "stock-open-platform"
)

// Kind is the kind of an [Account].
type Kind string

// The kinds of accounts. Web authorization is a right of verified service
// accounts and of sandbox test accounts alone [WeChat's web authorization guide].
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
	// Verified: an unverified account may neither authorize nor list followers.
	Verified bool `json:"verified"`
	// Banned: the authorize page answers 10004.
	Banned bool `json:"banned,omitempty"`
	// SecretFrozen: whoever uses the secret gets 40243.
	SecretFrozen bool `json:"secret_frozen,omitempty"`
	// OpenPlatformID joins accounts: a person has one unionid for all accounts
	// with the same one. Empty: no unionid.
	OpenPlatformID string `json:"open_platform_id,omitempty"`
	// CallbackDomains are where redirect_uri may point: host, or host/path. An
	// account of kind test or website may also have host:port, host:* (any port)
	// or * (any host).
	CallbackDomains []string `json:"callback_domains"`
	// JSDomains are where wx.config works, in the same forms.
	JSDomains []string `json:"js_domains,omitempty"`
	// IPAllowList are the addresses and CIDRs that may fetch the global token;
	// empty: all may.
	IPAllowList []string `json:"ip_allow_list,omitempty"`
}

// StockAccount is an account for local work: a verified test account that sends
// visitors back to localhost, 127.0.0.1 and [::1] on any port.
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

// account is an Account and what happened to it.
type account struct {
	Account
	synthetic    int // followers who are no visitors, see SetFollowers
	followed     time.Time
	plain        *globalToken
	stable       *globalToken
	forcedOut    *globalToken // the former stable token, in the grace that a forced renewal left it
	forced       []time.Time  // forced renewals of the last day
	tickets      map[string]ticket
	quotaCleared map[string]int // by month
}

func (a *account) name() string {
	if a.Name == "" {
		return a.AppID
	}
	return a.Name
}

// SetAccount adds an account, or replaces the one with its AppID, whose tokens
// and followers stay. An error tells what is malformed.
func (e *Emulator) SetAccount(a Account) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("account %q: %w", a.AppID, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if have := e.account(a.AppID); have != nil {
		have.Account = a
		return nil
	}
	e.accounts = append(e.accounts, &account{
		Account: a, followed: e.now(), tickets: map[string]ticket{}, quotaCleared: map[string]int{},
	})
	return nil
}

// Accounts lists the accounts in the order in which they came.
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
// console: calls that show it get 40243 until [Emulator.SetAccount] thaws it.
// An unknown AppID is ignored.
func (e *Emulator) FreezeSecret(appID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a := e.account(appID); a != nil {
		a.SecretFrozen = true
	}
}

func (e *Emulator) account(appID string) *account {
	for _, a := range e.accounts {
		if a.AppID == appID {
			return a
		}
	}
	return nil
}

func (a *Account) check() error {
	if a.AppID == "" || a.Secret == "" {
		return fmt.Errorf("needs an appid and a secret")
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
			return fmt.Errorf("domain %q: a %s account takes no port, address or wildcard", entry, a.Kind)
		}
	}
	for _, entry := range a.IPAllowList {
		if _, err := parseAllowed(entry); err != nil {
			return fmt.Errorf("ip allow-list: %w", err)
		}
	}
	return nil
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
	_, d.path, _ = strings.Cut(entry, "/") // a path, unlike a host, has letter case
	return d
}

// covers tells whether one of the entries allows an address: the whole host,
// without case and sub-domains, the very port, and the path or below it.
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
