package main

import (
	"cmp"
	"slices"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// faultsOf returns what the gateway refuses as faults of the variables that set
// the fields. A value that several sites share is one fault.
func faultsOf(c *config.Config, wrong *gateway.ConfigError) *config.Faults {
	faults := new(config.Faults)
	for _, field := range wrong.Fields {
		of := c
		if field.Site >= 0 {
			of = sitesOf(c)[field.Site]
		}
		name := cmp.Or(fieldVariables[field.Field], field.Field)
		if fault := of.Fault(name, field.Err.Error()); !slices.Contains(faults.List, fault) {
			faults.List = append(faults.List, fault)
		}
	}
	return faults
}

// fieldVariables holds the variable that sets a field of [gateway.Config] or
// [gateway.Site], by the field's name.
var fieldVariables = map[string]string{
	"AccessLog":         "WXGATE_ACCESS_LOG",
	"AccessLogSkip":     "WXGATE_ACCESS_LOG_SKIP",
	"Account":           "WXGATE_APP_ID",
	"AllowOpenIDsFile":  "WXGATE_ALLOW_OPENIDS_FILE",
	"APIPaths":          "WXGATE_API_PATHS",
	"AssertionKeysFile": "WXGATE_ASSERTION_KEYS_FILE",
	"CookieDomain":      "WXGATE_COOKIE_DOMAIN",
	"CookieKeys":        "WXGATE_COOKIE_KEYS",
	"CookieName":        "WXGATE_COOKIE_NAME",
	"DenyOpenIDsFile":   "WXGATE_DENY_OPENIDS_FILE",
	"DenySnapshotUsers": "WXGATE_SNAPSHOT_USERS",
	"FollowQRURL":       "WXGATE_FOLLOW_QR_URL",
	"FollowRecheck":     "WXGATE_FOLLOW_RECHECK",
	"HubKey":            "WXGATE_HUB_KEY",
	"HubSites":          "WXGATE_HUB_SITES",
	"HubURL":            "WXGATE_HUB_URL",
	"KeepFragment":      "WXGATE_KEEP_FRAGMENT",
	"LoginRate":         "WXGATE_LOGIN_RATE",
	"MaxBodyBytes":      "WXGATE_MAX_BODY",
	"OutsideWeChat":     "WXGATE_OUTSIDE_WECHAT",
	"PagesDir":          "WXGATE_PAGES_DIR",
	"PassAccessToken":   "WXGATE_PASS_ACCESS_TOKEN",
	"Prefix":            "WXGATE_PREFIX",
	"PublicPaths":       "WXGATE_PUBLIC_PATHS",
	"PublicURL":         "WXGATE_PUBLIC_URL",
	"RequireFollow":     "WXGATE_REQUIRE_FOLLOW",
	"ReturnHosts":       "WXGATE_RETURN_HOSTS",
	"ScanAccount":       "WXGATE_QR_APP_ID",
	"Scope":             "WXGATE_SCOPE",
	"SessionMaxTTL":     "WXGATE_SESSION_MAX_TTL",
	"Sessions":          "WXGATE_SESSION_STORE",
	"SessionTTL":        "WXGATE_SESSION_TTL",
	"Tickets":           "WXGATE_JSSDK",
	"TrustedProxies":    "WXGATE_TRUSTED_PROXIES",
	"UnreadBodyTimeout": "WXGATE_STALL_TIMEOUT",
	"Upstreams":         "WXGATE_UPSTREAM",
	"UpstreamCAs":       "WXGATE_UPSTREAM_CA_FILE",
	"UpstreamTimeout":   "WXGATE_UPSTREAM_TIMEOUT",
	"VerifyFiles":       "WXGATE_VERIFY_FILES",
}
