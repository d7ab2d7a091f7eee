package config

import (
	"net/netip"
	"net/url"
	"strings"
)

// CallbackWarnings returns what WeChat refuses about the callback's address. Only
// sandbox accounts and emulators accept it.
func (c *Config) CallbackWarnings() []Warning {
	if !c.HubURL.IsZero() {
		return nil // WeChat calls back to the hub
	}
	return c.odd(callbackCautions())
}

// UsesWeChat reports whether visitors sign in at WeChat itself, not at an
// emulator.
func (c *Config) UsesWeChat() bool {
	u, err := url.Parse(string(c.WeChatOpenURL))
	return err == nil && strings.HasSuffix(u.Hostname(), ".qq.com")
}

func callbackCautions() []caution {
	hasPort := func(c *Config) bool { return strings.Trim(c.PublicURL.Host, "[]") != c.PublicURL.Hostname() }
	isIP := func(c *Config) bool {
		_, err := netip.ParseAddr(c.PublicURL.Hostname())
		return err == nil
	}
	const elsewhere = "; only sandbox accounts and the emulator accept this"
	return []caution{
		{
			"PUBLIC_URL", hasPort,
			"WeChat refuses a callback with a port (error 10003)",
			"serve the site at the default port of https or http" + elsewhere,
		},
		{
			"PUBLIC_URL", isIP,
			"WeChat refuses a callback at an IP address (error 10003)",
			"use the account's web authorization domain (网页授权域名)" + elsewhere,
		},
		{
			"PUBLIC_URL", func(c *Config) bool {
				name := c.PublicURL.Hostname()
				return !isIP(c) && (!registered(name) || strings.Contains(name, "_"))
			},
			"WeChat refuses a callback at a host without a registered domain (error 10003)",
			"use the account's web authorization domain (网页授权域名)" + elsewhere,
		},
	}
}
