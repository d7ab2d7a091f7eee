package main

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// demoHonours are the variables that say how visitors sign in, who gets in, what the
// pages look like and what is logged: a developer tries them in the demo. All others
// describe the account, the addresses, the keys, other servers or Redis, which the demo
// sets itself or has no use for.
var demoHonours = []string{
	"WXGATE_SCOPE", "WXGATE_SESSION_TTL", "WXGATE_SESSION_MAX_TTL", "WXGATE_COOKIE_NAME",
	"WXGATE_PUBLIC_PATHS", "WXGATE_API_PATHS",
	"WXGATE_OUTSIDE_WECHAT", "WXGATE_KEEP_FRAGMENT", "WXGATE_SNAPSHOT_USERS",
	"WXGATE_REQUIRE_FOLLOW", "WXGATE_FOLLOW_QR_URL", "WXGATE_FOLLOW_RECHECK",
	"WXGATE_ALLOW_OPENIDS_FILE", "WXGATE_DENY_OPENIDS_FILE",
	"WXGATE_JSSDK", "WXGATE_TOKEN_MODE", "WXGATE_VERIFY_FILES", "WXGATE_ASSERTION_KEYS_FILE",
	"WXGATE_TRUSTED_PROXIES", "WXGATE_RETURN_HOSTS", "WXGATE_LOGIN_RATE",
	"WXGATE_MAX_BODY", "WXGATE_UPSTREAM_TIMEOUT", "WXGATE_STALL_TIMEOUT", "WXGATE_UPSTREAM_CA_FILE",
	"WXGATE_WECHAT_TIMEOUT", "WXGATE_PAGES_DIR",
	"WXGATE_LOG_LEVEL", "WXGATE_LOG_FORMAT", "WXGATE_ACCESS_LOG", "WXGATE_ACCESS_LOG_SKIP",
}

// demoConfig returns the demo's configuration, whose upstream and addresses are not set
// yet, and the variables of the environment that it ignores. The sample site has the
// prefix in its pages: only a site of one's own can have another.
func demoConfig(environ []string, ownSite bool) (cfg *config.Config, ignored []string, err error) {
	const anyURL = "http://127.0.0.1:9"
	vars := []string{
		"WXGATE_KEEP_FRAGMENT=true", // many sites under development use a hash router
		"WXGATE_JSSDK=true",
		"WXGATE_LOG_FORMAT=" + consoleFormat,
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		honoured := slices.Contains(demoHonours, name) || name == "WXGATE_PREFIX" && ownSite
		switch {
		case value == "" || !strings.HasPrefix(name, "WXGATE_"):
		case !honoured && isVariable(name):
			ignored = append(ignored, name)
		default: // an unknown one is a fault
			vars = append(vars, entry)
		}
	}
	cfg, err = config.Load(append(vars,
		"WXGATE_APP_ID="+wechattest.StockAppID,
		"WXGATE_APP_SECRET="+wechattest.StockAppSecret,
		"WXGATE_QR_APP_ID="+wechattest.StockWebsiteAppID,
		"WXGATE_QR_APP_SECRET="+wechattest.StockWebsiteAppSecret,
		"WXGATE_COOKIE_KEYS="+base64.StdEncoding.EncodeToString(newKey()),
		"WXGATE_PUBLIC_URL="+anyURL,
		"WXGATE_UPSTREAM="+anyURL,
		"WXGATE_ADMIN_LISTEN=",
	))
	slices.Sort(ignored)
	return cfg, slices.Compact(ignored), err
}

// isVariable reports whether name is a variable of `wxgate serve`, or begins as one of
// several sites.
func isVariable(name string) bool {
	return strings.HasPrefix(name, "WXGATE_SITES_") ||
		slices.ContainsFunc(config.Reference(), func(v config.Variable) bool {
			return v.Name == name || v.Secret && v.Name+"_FILE" == name
		})
}

// ignoredLine returns a line that names variables; no line if there are none.
func ignoredLine(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return []string{
		"Ignored, because the demo sets them itself or has no use for them: " + printable(strings.Join(names, ", ")),
	}
}
