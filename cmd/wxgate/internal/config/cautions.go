package config

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/pathset"
	"github.com/wxgate/wxgate/session"
)

// cautions returns the rules of [Config.Warnings].
func cautions() []caution {
	return slices.Concat(accessCautions(), followCautions(), plainHTTPCautions(), amountCautions())
}

// accessCautions are about who and what gets in.
func accessCautions() []caution {
	const guessed = "unless it is random, replace it (wxgate keygen): anyone who guesses it can sign in as any visitor"
	return []caution{
		{
			"COOKIE_KEYS", func(c *Config) bool { return slices.ContainsFunc(c.CookieKeys, guessable) },
			"cookie key is text or a pattern", guessed,
		},
		{
			"HUB_KEY", func(c *Config) bool { return len(c.HubKey) > 0 && guessable(c.HubKey) },
			"hub key is text or a pattern", guessed,
		},
		{
			"HUB_KEY", func(c *Config) bool {
				return slices.ContainsFunc(c.CookieKeys, func(k session.Key) bool { return bytes.Equal(k, c.HubKey) })
			},
			"hub key is a cookie key too",
			"make another one (wxgate keygen): the hub and all of its sites could make sessions of this site",
		},
		{
			"ADMIN_TOKEN", func(c *Config) bool { return repeats(session.Key(c.AdminToken.Reveal())) },
			"admin token is a pattern",
			"replace it (wxgate keygen): anyone who guesses it gets the account's access token",
		},
		{
			"PUBLIC_PATHS", func(c *Config) bool { return opensMost(c.PublicPaths) },
			"public paths open nearly everything",
			"name the folders that are public, such as /static/, and the paths of forms, such as POST /hook",
		},
		{
			"RELAY_PATHS", func(c *Config) bool { return opensMost(c.RelayPaths) },
			"relay forwards nearly every call",
			"name the calls that your site needs: all who reach the relay can make the others too",
		},
		{
			"RELAY_PATHS", func(c *Config) bool { return slices.ContainsFunc(c.RelayPaths, namesTokenCall) },
			"relay never forwards calls for a token",
			"use GET /v1/access_token of the admin listener",
		},
		{
			"TRUSTED_PROXIES", func(c *Config) bool { return slices.ContainsFunc(c.TrustedProxies, wide) },
			"trusted proxies cover much of the internet",
			"name your proxies alone: all others can claim any client address, host and scheme; " +
				"if only pods can reach wxgate, name their network",
		},
		{
			"TRUSTED_PROXIES", func(c *Config) bool { // a hub may have no site of its own, and no proxy that asks
				return c.Mode != "proxy" && len(c.TrustedProxies) == 0 && len(c.HubSites) == 0
			},
			"no trusted proxy in forward-auth mode",
			"set it to your proxy's addresses: wxgate ignores the X-Forwarded-* and X-Original-* headers of others",
		},
		{
			"UPSTREAM", func(c *Config) bool { return c.Mode != "proxy" && len(c.Upstream) > 0 },
			"upstream ignored in forward-auth mode",
			"remove WXGATE_UPSTREAM, or set WXGATE_MODE=proxy",
		},
		{
			"UPSTREAM", anyUpstream(func(c *Config, u Upstream) bool { return u.URL.Host == c.PublicURL.Host }),
			"upstream has the host of the public URL",
			"name the site's own address: requests may come back to wxgate in a circle",
		},
		{
			"DENY_OPENIDS_FILE", func(c *Config) bool {
				return c.DenyOpenIDsFile != "" && c.OutsideWeChat == string(gateway.OutsideQRConnect)
			},
			"deny list may miss scan logins",
			"list unionids: a visitor has another openid in a scan login",
		},
	}
}

// opensMost reports whether patterns hold nearly every path for some method. For
// OPTIONS, which asks what a page of another site may do, they may.
func opensMost(patterns Patterns) bool {
	set, err := pathset.New(patterns)
	if err != nil {
		return false
	}
	methods := []string{"GET"}
	for _, pattern := range patterns {
		if method, _, ok := strings.Cut(pattern, " "); ok && method != "OPTIONS" {
			methods = append(methods, method)
		}
	}
	return slices.ContainsFunc(methods, func(m string) bool { return set.Extent(m) != pathset.Part })
}

// namesTokenCall reports whether a pattern names a call that returns an access
// token, which the relay refuses.
func namesTokenCall(pattern string) bool {
	call := strings.ToLower(strings.TrimSuffix(pattern[strings.Index(pattern, "/"):], "/"))
	return call == "/cgi-bin/token" || call == "/cgi-bin/stable_token"
}

// wide reports whether a network is larger than any that one operator has: from a
// /8 of IPv4 on, or a /19 of IPv6, unless it is private.
func wide(network netip.Prefix) bool {
	addr, bits := network.Addr(), network.Bits()
	private := addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast()
	if addr.Is4() {
		return bits < 8 || bits == 8 && !private // 10.0.0.0/8
	}
	return bits < 7 || bits < 20 && !private // fc00::/7
}

// anyUpstream returns whether requests are forwarded to an upstream that is odd.
func anyUpstream(odd func(*Config, Upstream) bool) func(*Config) bool {
	return func(c *Config) bool {
		return c.Mode == "proxy" && slices.ContainsFunc(c.Upstream, func(u Upstream) bool { return odd(c, u) })
	}
}
