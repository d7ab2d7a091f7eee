package main_test

import (
	"strings"
	"testing"
)

// explain says what becomes of a proxy's headers, and of a host that is not the public URL's.
func TestExplainForwardedHeaders(t *testing.T) {
	t.Parallel()
	const (
		stranger = "forwarded headers: WXGATE_TRUSTED_PROXIES: does not hold this address, ignored are "
		proxy    = `forwarded headers: WXGATE_TRUSTED_PROXIES "10.0.0.0/8": holds this address, `
		never    = "forwarded headers: ignored is Forwarded, which is never read: " +
			"X-Forwarded-For, -Host and -Proto are, from an address in WXGATE_TRUSTED_PROXIES"
		other = `host: WXGATE_PUBLIC_URL "http://h5.example.com": has another host than this request: ` +
			"a single site answers to any, but a login always ends at the public URL"
	)
	trusting := []string{"WXGATE_TRUSTED_PROXIES=10.0.0.0/8"}
	sites := []string{"WXGATE_PUBLIC_URL=", "WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com"}
	for _, tt := range []struct {
		name    string
		environ []string
		args    []string // URL, then headers
		want    []string
		without string
	}{
		{"host and scheme", nil, []string{"/a", "X-Forwarded-Host: b.cn", "X-Forwarded-Proto: http"}, []string{stranger + "X-Forwarded-Proto, X-Forwarded-Host"}, ""},
		{"address", nil, []string{"/a", "X-Real-IP: 1.2.3.4"}, []string{stranger + "X-Real-Ip"}, ""},
		{"id", nil, []string{"/a", "X-Request-ID: abc"}, []string{stranger + "X-Request-Id"}, ""},
		{"port and others", nil, []string{"/a", "X-Forwarded-Port: 1", "X-Forwarded-For: 1.1.1.1"}, []string{stranger + "X-Forwarded-For, X-Forwarded-Port"}, ""},
		{"Forwarded", nil, []string{"/a", "Forwarded: for=1.2.3.4"}, []string{never}, ""},
		{"Forwarded of a proxy", trusting, []string{"/a", "Forwarded: for=1.2.3.4", "X-Real-IP: 1.2.3.4"}, []string{never, proxy + "passed on are X-Real-Ip"}, ""},
		{"id of a proxy", trusting, []string{"/a", "X-Request-ID: abc"}, []string{proxy + "believed are X-Request-Id"}, ""},
		{"unknown host", sites, []string{"https://c.example.com/", "X-Forwarded-Host: a.example.com"}, []string{stranger + "X-Forwarded-Host"}, ""},
		{"none", nil, []string{"/a"}, nil, "forwarded headers: "},
		{"no header of a proxy", nil, []string{"/a", "X-Real: 1"}, nil, "forwarded headers: "},

		{"another host", nil, []string{"http://other.example.com/a"}, []string{other}, ""},
		{"another host in a header", nil, []string{"/a", "Host: other.example.com"}, []string{other}, ""},
		{"the public URL's host", nil, []string{"http://H5.example.com:80/a"}, nil, "host: "},
		{"a path", nil, []string{"/a"}, nil, "host: "},
		{"a site's host", sites, []string{"https://a.example.com/"}, nil, "host: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			args := tt.args[:1:1]
			for _, header := range tt.args[1:] {
				args = append(args, "--header", header)
			}
			got := explain(t, environment("http://web:80", tt.environ...), args...)
			for _, want := range tt.want {
				if !strings.Contains(got.all, "\n"+want+"\n") {
					t.Errorf("explain %q lacks the line %q:\n%s", args, want, got.all)
				}
			}
			if tt.without != "" && strings.Contains("\n"+got.all, "\n"+tt.without) {
				t.Errorf("explain %q has a line %q:\n%s", args, tt.without, got.all)
			}
		})
	}
}

// The answer to a proxy that asks has the identity headers in proxy mode too, and a method
// that the proxy names is no page load's.
func TestExplainAskedByProxy(t *testing.T) {
	t.Parallel()
	const form, page = `assumed headers: User-Agent (WeChat's on Android), Accept "*/*", `,
		`assumed headers: User-Agent (WeChat's on Android), Accept "text/html,`
	const openID = "\nheader: X-WX-OpenID: " + explainedOpenID + "\n"
	for _, tt := range []struct {
		name string
		mode string
		args []string
		want []string
	}{
		{"as a visitor", "proxy", []string{"/_wx/auth", "--as", explainedOpenID}, []string{openID, page}},
		{"with the path behind", "proxy", []string{"/_wx/auth/cart", "--as", explainedOpenID}, []string{openID}},
		{"nobody", "proxy", []string{"/_wx/auth", "--header", "X-Forwarded-Uri: /cart"}, []string{"\nheader: X-WX-Login-URL: http://h5.example.com/_wx/login?return_to=%2Fcart\n"}},
		{"a form", "proxy", []string{"/_wx/auth", "--header", "X-Forwarded-Method: POST", "--header", "X-Forwarded-Uri: /cart"}, []string{form, "\n401: neither a page load nor a session\n"}},
		{"a form, nginx", "proxy", []string{"/_wx/auth", "--header", "X-Original-Method: POST", "--header", "X-Original-URI: /cart"}, []string{form}},
		{"a form of nobody's proxy", "proxy", []string{"/_wx/auth", "--from", "192.0.2.1", "--header", "X-Forwarded-Method: POST"}, []string{page}},
		{"a form that is no question", "proxy", []string{"/cart", "--header", "X-Forwarded-Method: POST"}, []string{page}},
		{"a form in forward-auth mode", "forward-auth", []string{"/cart", "--header", "X-Forwarded-Method: POST"}, []string{form}},
		{"a visitor in forward-auth mode", "forward-auth", []string{"/cart", "--as", explainedOpenID}, []string{openID, page}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			environ := environment("http://web:80", "WXGATE_PUBLIC_PATHS", "WXGATE_TRUSTED_PROXIES=10.0.0.0/8", "WXGATE_MODE="+tt.mode)
			got := explain(t, environ, tt.args...)
			for _, want := range tt.want {
				if strings.Count(got.all, want) != 1 {
					t.Errorf("explain %q says\n%swant %q once", tt.args, got.all, want)
				}
			}
		})
	}
}

// Requests whose target is no path.
func TestExplainOtherTargets(t *testing.T) {
	t.Parallel()
	const neither = "\n405: The gateway forwards neither CONNECT nor TRACE.\n"
	for _, tt := range []struct{ method, target, first, line string }{
		{"CONNECT", "/x", "405: refused with JSON; nothing is forwarded.", neither},
		{"CONNECT", "h5.example.com:443", "405: refused with JSON; nothing is forwarded.", neither},
		{"CONNECT", "http://h5.example.com/x", "405: refused with JSON; nothing is forwarded.", neither},
		{"OPTIONS", "*", "400: refused with JSON; nothing is forwarded.", "\n400: "},
	} {
		got := explain(t, environment("http://web:80"), tt.method, tt.target)
		if got.first != tt.first || !strings.Contains(got.all, tt.line) {
			t.Errorf("explain %s %s says\n%swant %q and %q", tt.method, tt.target, got.all, tt.first, tt.line)
		}
	}
}
