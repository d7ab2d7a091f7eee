package config

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/wxgate/wxgate/gateway/origin"
)

// plainHTTPCautions are about addresses at which others can read along.
func plainHTTPCautions() []caution {
	return []caution{
		{
			"PUBLIC_URL", func(c *Config) bool { return plainOutside(c.PublicURL) },
			"public URL over plain http",
			"serve HTTPS and use https://: others on the network can read cookies and openids",
		},
		{
			"UPSTREAM", anyUpstream(func(_ *Config, u Upstream) bool {
				return u.URL.Scheme != "https" && u.URL.Scheme != "unix" && outside(u.URL.Hostname())
			}),
			"upstream over plain http outside the private network",
			"use https:// or a private address: others on the way can read and change requests",
		},
		{
			"FOLLOW_QR_URL", func(c *Config) bool {
				return c.PublicURL.Scheme == "https" && strings.HasPrefix(string(c.FollowQRURL), "http://")
			},
			"picture over plain http on a page over https",
			"use https://: browsers may not show it",
		},
		{
			"WECHAT_API_URL", func(c *Config) bool { return plainElsewhere(c.WeChatAPIURL) },
			"AppSecret over plain http",
			"use https://: others on the network can read the AppSecret and the access tokens",
		},
		{
			"WECHAT_OPEN_URL", func(c *Config) bool { return plainElsewhere(c.WeChatOpenURL) },
			"login page over plain http",
			"use https://: others on the network can read and change what WeChat and a visitor say to each other",
		},
		{
			"HUB_URL", func(c *Config) bool { return plainOutside(c.HubURL) },
			"hub over plain http",
			"use https://: others on the network can sign in as the visitors",
		},
		{
			"HUB_SITES", func(c *Config) bool { return slices.ContainsFunc(c.HubSites, plainOutside) },
			"site of the hub over plain http",
			"use https://: others on the network can read the tickets and sign in as the visitors",
		},
		{
			"REDIS_URL",
			func(c *Config) bool { return !c.RedisURL.TLS && slices.ContainsFunc(c.RedisURL.Hosts, hostOutside) },
			"Redis without TLS outside the private network",
			"use rediss://, unless the name stands for a private address: " +
				"others on the way can read the password and end or change what Redis keeps",
		},
		{
			"RELAY_LISTEN", func(c *Config) bool { return listensOutside(c.RelayListen) },
			"relay on a public address",
			"listen on a private address: the relay does not authenticate its callers",
		},
		{
			"ADMIN_LISTEN", func(c *Config) bool { return listensOutside(c.AdminListen) },
			"admin listener on a public address",
			"listen on a private address: it has no TLS",
		},
	}
}

// plainOutside reports whether an origin is reached over plain http on the
// internet.
func plainOutside(o origin.Origin) bool {
	return o.Scheme == "http" && outside(o.Hostname())
}

// plainElsewhere reports whether a URL is one over plain http to another machine.
func plainElsewhere(address BaseURL) bool {
	u, err := url.Parse(string(address))
	if err != nil || u.Scheme != "http" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() != "localhost" && !(err == nil && addr.IsLoopback())
}

// listensOutside reports whether a listener's address names an address of the
// internet. One without a host covers all addresses of the machine, which most
// often are private.
func listensOutside(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	addr, err := netip.ParseAddr(host)
	return err == nil && outside(addr.String())
}

// hostOutside reports whether a host:port is one of the internet.
func hostOutside(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	return outside(strings.TrimSuffix(host, "."))
}

// outside reports whether a host, in lower case, is one of the internet: an address
// that is not private, or a name under a domain that can be registered.
func outside(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		return !addr.IsPrivate() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast() && !addr.IsUnspecified()
	}
	return registered(host)
}

// registered reports whether a name is under a domain that can be registered. web,
// web.default.svc and h5.local are not.
func registered(name string) bool {
	suffix, icann := publicsuffix.PublicSuffix(name)
	return (icann || strings.Contains(suffix, ".")) && suffix != name && !strings.HasSuffix(name, ".home.arpa")
}
