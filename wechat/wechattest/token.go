package wechattest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// The global token's rules [WeChat's guides to the access token and the stable
// access token].
const (
	globalTokenLife = 2 * time.Hour
	tokenGrace      = 5 * time.Minute  // old and new token work side by side
	forcedInterval  = 30 * time.Second // between forced renewals
	forcedPerDay    = 20
)

// globalToken is an account's access token of one kind.
type globalToken struct {
	appID string
	token string
	ends  time.Time // of its life
	until time.Time // voided from here on; zero: not voided
}

// leave voids a token after a grace.
func (t *globalToken) leave(at time.Time) {
	if t != nil && (t.until.IsZero() || at.Before(t.until)) {
		t.until = at
	}
}

func (t *globalToken) good(now time.Time) bool {
	return t != nil && now.Before(t.ends) && (t.until.IsZero() || now.Before(t.until))
}

// VoidTokens voids an account's global tokens of both kinds at once, as a reset
// of the secret does: they answer 40001 and the next fetch gives a new one. An
// unknown AppID is ignored.
func (e *Emulator) VoidTokens(appID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, item := range e.global.items {
		if item.value.appID == appID {
			item.value.leave(e.now())
		}
	}
}

func (c *call) newGlobalToken(a *account) *globalToken {
	t := &globalToken{appID: a.AppID, token: "98_" + c.word(tokenAlphabet, 133), ends: c.time.Add(globalTokenLife)}
	c.global.put(c.time, t.token, t)
	return t
}

// credentials finds the account that an appid and a secret belong to.
func (c *call) credentials(appID, secret string) (*account, *refusal) {
	if appID == "" {
		return nil, refuse(41002)
	}
	a := c.account(appID)
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

// tokenRequest makes the checks that both ways to a global token share.
func (c *call) tokenRequest(appID, secret, grantType string) (*account, *refusal) {
	a, refused := c.credentials(appID, secret)
	if refused != nil {
		return nil, refused
	}
	if a.Kind == KindWebsite { // has no cgi-bin
		return nil, refuse(40013)
	}
	if grantType != "client_credential" {
		return nil, refuse(40002)
	}
	if !a.allowsIP(c.clientIP()) {
		return nil, c.unlistedIP()
	}
	return a, c.countCall(a)
}

func (c *call) unlistedIP() *refusal {
	if c.switches.UnlistedIP89503 {
		return refuse(89503)
	}
	ip := c.clientIP()
	return &refusal{40164, fmt.Sprintf("invalid ip %s ipv6 ::ffff:%s, not in whitelist", ip, ip)}
}

type globalAnswer struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

func (c *call) globalAnswer(t *globalToken) globalAnswer {
	return globalAnswer{t.token, int(t.ends.Sub(c.time).Seconds())}
}

// plainToken is cgi-bin/token: each fetch makes a new token and leaves the
// former one its grace.
func (c *call) plainToken() (any, *refusal) {
	a, refused := c.tokenRequest(c.query.Get("appid"), c.query.Get("secret"), c.query.Get("grant_type"))
	if refused != nil {
		return nil, refused
	}
	a.plain.leave(c.time.Add(tokenGrace))
	a.plain = c.newGlobalToken(a)
	return c.globalAnswer(a.plain), nil
}

// decode reads a JSON body.
func (c *call) decode(v any) *refusal {
	if len(c.body) == 0 {
		return refuse(44002)
	}
	if json.Unmarshal(c.body, v) != nil {
		return refuse(47001)
	}
	return nil
}

// stableToken is cgi-bin/stable_token: the same token for everybody until its
// last five minutes, or a forced renewal.
func (c *call) stableToken() (any, *refusal) {
	var asked struct {
		GrantType string `json:"grant_type"`
		AppID     string `json:"appid"`
		Secret    string `json:"secret"`
		Force     *bool  `json:"force_refresh"`
	}
	if refused := c.decode(&asked); refused != nil {
		return nil, refused
	}
	a, refused := c.tokenRequest(asked.AppID, asked.Secret, asked.GrantType)
	if refused != nil {
		return nil, refused
	}
	if asked.Force == nil && c.switches.NeedsForceRefresh {
		return nil, refuse(41002)
	}
	switch {
	case asked.Force != nil && *asked.Force && a.mayForce(c.time):
		// Two forced renewals kill a leaked token at once: the first leaves it
		// its grace, the second takes that away.
		a.forcedOut.leave(c.time)
		a.forcedOut = a.stable
		a.stable.leave(c.time.Add(tokenGrace))
		a.forced = append(a.forced, c.time)
		a.stable = c.newGlobalToken(a)
	case !a.stable.good(c.time) || a.stable.ends.Sub(c.time) <= tokenGrace:
		// The former token is left to end by itself: both work meanwhile.
		a.stable = c.newGlobalToken(a)
	}
	return c.globalAnswer(a.stable), nil
}

// mayForce tells whether a forced renewal would be more than the same token.
func (a *account) mayForce(now time.Time) bool {
	a.forced = slices.DeleteFunc(a.forced, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	n := len(a.forced)
	return n < forcedPerDay && (n == 0 || now.Sub(a.forced[n-1]) >= forcedInterval)
}

// tokenAccount is the account whose global token a cgi-bin call shows.
func (c *call) tokenAccount() (*account, *refusal) {
	token := c.query.Get("access_token")
	if token == "" {
		return nil, refuse(41001)
	}
	t, ok := c.global.get(token)
	switch {
	case !ok || !t.until.IsZero() && !c.time.Before(t.until):
		return nil, refuse(40001)
	case !c.time.Before(t.ends):
		return nil, refuse(42001)
	}
	return c.account(t.appID), nil
}
