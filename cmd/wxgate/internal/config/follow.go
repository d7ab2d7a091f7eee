package config

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/gateway/pathset"
)

// followCautions are about the page that asks visitors to follow the account.
func followCautions() []caution {
	return []caution{
		{
			"REQUIRE_FOLLOW", func(c *Config) bool { return c.RequireFollow && c.FollowQRURL == "" },
			"follow page without a picture",
			"set WXGATE_FOLLOW_QR_URL to a picture of the account's QR code: " +
				"without it, visitors have to search for the account",
		},
		{
			"FOLLOW_QR_URL", func(c *Config) bool { return c.RequireFollow && c.Mode == "proxy" && hiddenPicture(c) },
			"picture on no public path",
			"add its path to WXGATE_PUBLIC_PATHS: visitors who do not follow yet cannot see it",
		},
	}
}

// hiddenPicture reports whether the picture of the follow page is this site's, but on no
// public path.
func hiddenPicture(c *Config) bool {
	u, err := url.Parse(string(c.FollowQRURL))
	if err != nil || c.FollowQRURL == "" {
		return false
	}
	if u.Host != "" && origin.Canonical(u.Host) != origin.Canonical(c.PublicURL.Host) {
		return false
	}
	path := u.EscapedPath()
	if path == c.Prefix || strings.HasPrefix(path, c.Prefix+"/") {
		return true
	}
	public, err := pathset.New(c.PublicPaths)
	return err == nil && !public.Match(http.MethodGet, path)
}
