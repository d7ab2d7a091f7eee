package main_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What depends on whether the visitor follows the account is below a line that says so.
func TestExplainEitherWay(t *testing.T) {
	t.Parallel()
	const page = `assumed headers: User-Agent (WeChat's on Android), Accept "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ` +
		`Sec-Fetch-Mode "navigate", Sec-Fetch-Dest "document", Sec-Fetch-Site "none"`
	const identity = "header: X-WX-AppID: wx0123456789abcdef\nheader: X-WX-OpenID: " + explainedOpenID +
		"\nheader: X-WX-Scope: snsapi_base\nheader: X-WX-Source: wx_client\nheader: X-WX-Subscribed: true\n"
	const enters = "session: the visitor is signed in and may enter\n" +
		`follow: WXGATE_REQUIRE_FOLLOW "true": only visitors who follow the account enter; WeChat is asked again after 10m0s` + "\n"
	const upstream = `upstream: WXGATE_UPSTREAM "http://web:80"` + "\n"
	proxy := []string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM", "WXGATE_TRUSTED_PROXIES=10.0.0.0/8"}
	const described = `, X-Forwarded-Method "GET", X-Forwarded-Uri "/cart", X-Forwarded-Proto "http", X-Forwarded-Host "h5.example.com"` +
		"\nforwarded headers: WXGATE_TRUSTED_PROXIES \"10.0.0.0/8\": holds this address, believed are " +
		"X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Uri, X-Forwarded-Method\nasked about: GET h5.example.com/cart\n"
	for _, tt := range []struct {
		name    string
		environ []string
		args    string
		want    string
	}{
		{"page", nil, "/cart", "asks WeChat whether the visitor follows the account. If so: forwarded to http://web:80 as the visitor. " +
			"If not: 403: refused with a page; nothing is forwarded.\n" + page + "\n" +
			"if the visitor follows the account:\n" + enters + upstream + identity + "outcome: proxied\n" +
			"if the visitor does not follow the account:\n" +
			`403: WXGATE_REQUIRE_FOLLOW "true": the visitor does not follow the account` + "\noutcome: forbidden\n"},
		{"public path", nil, "/static/x", "asks nobody, as the path is public: the session says whether the visitor follows the account. " +
			"If so: forwarded to http://web:80 as the visitor. If not: forwarded to http://web:80 without identity.\n" + page + "\n" + upstream +
			"if the visitor follows the account:\n" + enters + identity + "outcome: proxied\n" +
			"if the visitor does not follow the account:\n" + `public: WXGATE_PUBLIC_PATHS "/static/"` + "\n" +
			"identity: none: the visitor is signed in, but may not enter other pages\noutcome: public\n"},
		{"forward auth", proxy, "/cart", "asks WeChat whether the visitor follows the account. If so: 200: the proxy that asks may let the request pass " +
			"as the visitor. If not: 403: the proxy that asks must not let the request pass.\n" + page + described +
			"if the visitor follows the account:\n" + enters + "outcome: proxied\n" + identity +
			"if the visitor does not follow the account:\n" +
			`403: WXGATE_REQUIRE_FOLLOW "true": the visitor does not follow the account` + "\noutcome: forbidden\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			environ := environment("http://web:80", append(tt.environ, "WXGATE_REQUIRE_FOLLOW=true", "WXGATE_PUBLIC_PATHS=/static/",
				"WXGATE_APP_ID=wx0123456789abcdef")...)
			got := explain(t, environ, append(strings.Fields(tt.args), "--as", explainedOpenID)...)
			if diff := cmp.Diff(tt.want, got.all); diff != "" {
				t.Errorf("explain %s (-want +got):\n%s", tt.args, diff)
			}
		})
	}
}
