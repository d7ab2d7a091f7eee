package wechattest

import (
	"fmt"
	"slices"
	"time"
)

// The rules of the global token [WeChat's guides to the access token and the
// stable access token].
const (
	globalTokenLife = 2 * time.Hour
	tokenGrace      = 5 * time.Minute  // in which old and new token both work
	forcedInterval  = 30 * time.Second // between forced renewals
	forcedPerDay    = 20
)

// globalToken is an account's access token of one kind.
type globalToken struct {
	appID  string
	token  string
	ends   time.Time // of its life
	voided time.Time // not valid from then on; zero: not voided
}

// void ends a token at a time, unless it ends earlier.
func (t *globalToken) void(at time.Time) {
	if t != nil && (t.voided.IsZero() || at.Before(t.voided)) {
		t.voided = at
	}
}

func (t *globalToken) valid(now time.Time) bool {
	return t != nil && now.Before(t.ends) && (t.voided.IsZero() || now.Before(t.voided))
}

// VoidTokens voids an account's global tokens of both kinds at once, as a reset
// of the secret does: calls with them get 40001, and the next fetch makes a new
// one. An unknown AppID is ignored.
func (e *Emulator) VoidTokens(appID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, token := range e.globalTokens.values {
		if token.value.appID == appID {
			token.value.void(e.clock.now())
		}
	}
}

func newGlobalToken(x *transaction, a *account) *globalToken {
	t := &globalToken{
		appID: a.AppID, token: "98_" + x.random.text(tokenAlphabet, 133), ends: x.time.Add(globalTokenLife),
	}
	x.globalTokens.put(x.time, t.token, t)
	return t
}

// tokenAccount is the account whose global token a cgi-bin call carries. The IP
// allow-list is for all of these calls [the open platform's guide to the allow-list].
func (x *transaction) tokenAccount() (*account, *refusal) {
	token := x.query.Get("access_token")
	if token == "" {
		return nil, refuse(41001)
	}
	t, ok := x.globalTokens.get(token)
	switch {
	case !ok || !t.voided.IsZero() && !x.time.Before(t.voided):
		return nil, refuse(40001)
	case !x.time.Before(t.ends):
		return nil, refuse(42001)
	}
	a := x.accounts.find(t.appID)
	if !a.allowsIP(x.clientIP()) {
		return nil, x.unlistedIP()
	}
	return a, nil
}

type globalTokenBody struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

func (t *globalToken) body(now time.Time) globalTokenBody {
	return globalTokenBody{t.token, int(t.ends.Sub(now).Seconds())}
}

// legacyToken is cgi-bin/token: each fetch makes a new token, and the former one
// works for the grace period.
func legacyToken(x *transaction) (any, *refusal) {
	a, refused := tokenRequest(x, x.query.Get("appid"), x.query.Get("secret"), x.query.Get("grant_type"))
	if refused != nil {
		return nil, refused
	}
	a.legacy.void(x.time.Add(tokenGrace))
	a.legacy = newGlobalToken(x, a)
	return a.legacy.body(x.time), nil
}

// stableToken is cgi-bin/stable_token: the same token for all callers until its
// last five minutes, or until a forced renewal.
func stableToken(x *transaction) (any, *refusal) {
	var body struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     *bool  `json:"force_refresh"`
	}
	if refused := x.decode(&body); refused != nil {
		return nil, refused
	}
	a, refused := tokenRequest(x, body.AppID, body.Secret, body.GrantType)
	if refused != nil {
		return nil, refused
	}
	if body.Force == nil && x.switches.NeedsForceRefresh {
		return nil, refuse(41002)
	}
	switch {
	case body.Force != nil && *body.Force && a.mayForce(x.time):
		// The first forced renewal leaves the former token its grace period. A
		// second one ends that period, so that two end a leaked token at once.
		a.forcedOut.void(x.time)
		a.forcedOut = a.stable
		a.stable.void(x.time.Add(tokenGrace))
		a.forced = append(a.forced, x.time)
		a.stable = newGlobalToken(x, a)
	case !a.stable.valid(x.time) || a.stable.ends.Sub(x.time) <= tokenGrace:
		// The former token is not voided: both work until it ends.
		a.stable = newGlobalToken(x, a)
	}
	return a.stable.body(x.time), nil
}

// mayForce reports whether a forced renewal makes a new token, or returns the
// same one.
func (a *account) mayForce(now time.Time) bool {
	a.forced = slices.DeleteFunc(a.forced, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	n := len(a.forced)
	return n < forcedPerDay && (n == 0 || now.Sub(a.forced[n-1]) >= forcedInterval)
}

// tokenRequest makes the checks that both calls for a global token share.
func tokenRequest(x *transaction, appID, secret, grantType string) (*account, *refusal) {
	a, refused := x.credentials(appID, secret)
	if refused != nil {
		return nil, refused
	}
	switch {
	case a.Kind == KindWebsite: // has no global token
		return nil, refuse(40013)
	case grantType != "client_credential":
		return nil, refuse(40002)
	case !a.allowsIP(x.clientIP()):
		return nil, x.unlistedIP()
	}
	return a, x.countCall(a)
}

// credentials finds the account of an appid and a secret.
func (x *transaction) credentials(appID, secret string) (*account, *refusal) {
	if appID == "" {
		return nil, refuse(41002)
	}
	a := x.accounts.find(appID)
	switch {
	case a == nil:
		return nil, refuse(40013)
	case secret == "":
		return nil, refuse(41004)
	case a.SecretFrozen:
		return nil, refuse(40243)
	case a.Secret != secret:
		return nil, refuse(40125)
	}
	return a, nil
}

func (x *transaction) unlistedIP() *refusal {
	ip := x.clientIP()
	switch {
	case x.switches.UnlistedIP89503:
		return refuse(89503)
	case x.switches.UnlistedIP61004:
		return &refusal{61004, fmt.Sprintf("access clientip is not registered requestIP: %s", ip)}
	case ip.Is6():
		return &refusal{40164, fmt.Sprintf("invalid ip %s ipv6 %s, not in whitelist", ip, ip)}
	}
	return &refusal{40164, fmt.Sprintf("invalid ip %s ipv6 ::ffff:%s, not in whitelist", ip, ip)}
}
