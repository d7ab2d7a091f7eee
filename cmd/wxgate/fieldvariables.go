package main

import (
	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// faultsOf tells by the names of variables what the gateway refuses.
func faultsOf(c *config.Config, wrong *gateway.ConfigError) *config.Faults {
	faults := new(config.Faults)
	for _, field := range wrong.Fields {
		name := fieldVariables[field.Field]
		if name == "" {
			name = field.Field
		}
		if field.Site >= 0 && len(c.Sites) > 0 {
			name += " of " + c.Sites[field.Site].Name
		}
		faults.List = append(faults.List, config.Fault{Name: name, Problem: field.Err.Error()})
	}
	return faults
}

// fieldVariables are the variables by the field of [gateway.Config] or
// [gateway.Site] that each of them sets.
var fieldVariables = map[string]string{
	"Account":           "WXGATE_APP_ID",
	"AllowOpenIDsFile":  "WXGATE_ALLOW_OPENIDS_FILE",
	"APIPaths":          "WXGATE_API_PATHS",
	"AssertionKeysFile": "WXGATE_ASSERTION_KEYS_FILE",
	"CookieDomain":      "WXGATE_COOKIE_DOMAIN",
	"CookieKeys":        "WXGATE_COOKIE_KEYS",
	"CookieName":        "WXGATE_COOKIE_NAME",
	"DenyOpenIDsFile":   "WXGATE_DENY_OPENIDS_FILE",
	"FollowQRURL":       "WXGATE_FOLLOW_QR_URL",
	"FollowRecheck":     "WXGATE_FOLLOW_RECHECK",
	"HubKey":            "WXGATE_HUB_KEY",
	"HubSites":          "WXGATE_HUB_SITES",
	"HubURL":            "WXGATE_HUB_URL",
	"LoginRate":         "WXGATE_LOGIN_RATE",
	"MaxBodyBytes":      "WXGATE_MAX_BODY",
	"OutsideWeChat":     "WXGATE_OUTSIDE_WECHAT",
	"PagesDir":          "WXGATE_PAGES_DIR",
	"Prefix":            "WXGATE_PREFIX",
	"PublicPaths":       "WXGATE_PUBLIC_PATHS",
	"PublicURL":         "WXGATE_PUBLIC_URL",
	"RequireFollow":     "WXGATE_REQUIRE_FOLLOW",
	"ReturnHosts":       "WXGATE_RETURN_HOSTS",
	"ScanAccount":       "WXGATE_QR_APP_ID",
	"Scope":             "WXGATE_SCOPE",
	"SessionMaxTTL":     "WXGATE_SESSION_MAX_TTL",
	"SessionTTL":        "WXGATE_SESSION_TTL",
	"Tickets":           "WXGATE_JSSDK",
	"Upstreams":         "WXGATE_UPSTREAM",
	"UpstreamTimeout":   "WXGATE_UPSTREAM_TIMEOUT",
	"VerifyFiles":       "WXGATE_VERIFY_FILES",
}
