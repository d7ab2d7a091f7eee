package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	wxgate "github.com/wxgate/wxgate/cmd/wxgate"
)

// What the server refuses before the gateway sees it, explain refuses with the same
// status, and says why.
func TestExplainUnreadable(t *testing.T) {
	t.Parallel()
	environ := environment(newUpstream(t, hello), "WXGATE_MAX_BODY=1KiB")
	address := start(t, environ, "serve").listening("gateway")
	long := strings.Repeat("long", 20<<10)
	for _, tt := range []struct {
		method, target string
		header         string // "Name: value"; empty: none
		status         int    // 0: the gateway decides
		want           string
	}{
		{"GET", "/a b", "", 400, "a space in the address; write it as %20"},
		{"GET", "/a ", "", 400, "a space in the address; write it as %20"},
		{"GET", "/a?b=c d", "", 400, "a space in the address; write it as %20"},
		{"GET", "/a\tb", "", 400, "a control character in the address; write it as %09"},
		{"GET", "/a\x01b", "", 400, "a control character in the address; write it as %01"},
		{"GET", "/a?\x7f", "", 400, "a control character in the address; write it as %7F"},
		{"GET", "/a\rb", "", 400, "a control character in the address; write it as %0D"},
		{"GET", "/%zz", "", 400, `the percent-encoding "%zz" in the path is invalid; write a percent sign as %25`},
		{"GET", "/100%", "", 400, `the percent-encoding "%" in the path is invalid; write a percent sign as %25`},
		{"G@T", "/", "", 400, `"G@T" is no method`},
		{"G T", "/", "", 400, `"G T" is no method`},
		{"GET", "/", "Host: a b", 400, "malformed host header"},
		{"GET", "/", "Host:", 400, "missing required host header"},
		{"POST", "/", "Content-Length: -1", 400, "bad request"},
		{"POST", "/", "Transfer-Encoding: gzip", 501, "unsupported transfer encoding"},
		{"GET", "/" + long, "", 431, "request header fields too large"},
		{"GET", "/", "A: " + long, 431, "request header fields too large"},
		{"GET", "/cart", "Expect: a-parcel", 417, "expectation failed"},
		{"GET", "/?%zz", "", 0, ""},
		{"GET", "/a%20b", "", 0, ""},
		{"get", "/", "", 0, ""},
		{"GET", `/[]{}|\^"<>`, "", 0, ""},
		{"POST", "/hook", "Content-Length: 5", 0, ""},
		{"POST", "/hook", "Transfer-Encoding: chunked", 0, ""},
		{"GET", "/a?b#c d", "", 0, ""},
	} {
		args := []string{tt.method, "http://h5.example.com" + tt.target}
		if tt.header != "" {
			args = append(args, "--header", tt.header)
		}
		name := fmt.Sprintf("%.20q %.20q %.30q", tt.method, tt.target, tt.header)
		got := explain(t, environ, args...)
		want := fmt.Sprintf("%d: the server refuses the request before any rule: %s", tt.status, tt.want)
		if tt.status != 0 && got.first != want {
			t.Errorf("explain %s says %q, want %q", name, got.first, want)
		}
		if tt.status == 0 && strings.Contains(got.first, "before any rule") {
			t.Errorf("explain %s says %q, but the server accepts it", name, got.first)
		}
		if status := sendRaw(t, address, tt.method, tt.target, tt.header); tt.status != 0 && status != tt.status {
			t.Errorf("%s: the server answers %d, want %d", name, status, tt.status)
		}
	}
}

// sendRaw sends a request without a body, and returns the status of the answer.
func sendRaw(t *testing.T, address, method, target, header string) int {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	target, _, _ = strings.Cut(target, "#")
	lines := method + " " + target + " HTTP/1.1\r\nConnection: close\r\n"
	if !strings.HasPrefix(header, "Host:") {
		lines += "Host: h5.example.com\r\n"
	}
	if header != "" && header != "Host:" {
		lines += header + "\r\n"
	}
	go func() {
		io.WriteString(conn, lines+"\r\n")
		if strings.Contains(header, "Length: 5") || strings.HasSuffix(header, "chunked") {
			io.WriteString(conn, "0\r\n\r\n") // five bytes, or the end of the chunks
		}
	}()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// One line names the headers that nobody has given.
func TestExplainAssumed(t *testing.T) {
	t.Parallel()
	const agent, accept = "User-Agent (WeChat's on Android), ", `Accept "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", `
	const page = `Sec-Fetch-Mode "navigate", Sec-Fetch-Dest "document", Sec-Fetch-Site "none"`
	script := []string{"--header", "Accept: */*", "--header", "Sec-Fetch-Mode: cors"}
	proxy := []string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM", "WXGATE_TRUSTED_PROXIES=127.0.0.1"}
	for _, tt := range []struct {
		name    string
		environ []string
		args    []string
		want    string // empty: no such line
	}{
		{"page load", nil, []string{"/cart"}, agent + accept + page},
		{"form or script", nil, []string{"POST", "/cart"}, agent + `Accept "*/*", no Sec-Fetch-Mode`},
		{"other method", nil, []string{"DELETE", "/cart"}, agent + `Accept "*/*", no Sec-Fetch-Mode`},
		{"form", nil, []string{"POST", "/cart", "--header", "Sec-Fetch-Mode: navigate"}, agent + `Accept "*/*"`},
		{"without a mode", nil, []string{"/cart", "--header", "Sec-Fetch-Mode:"}, agent + accept + `Sec-Fetch-Dest "document", Sec-Fetch-Site "none"`},
		{"program", nil, []string{"/cart", "--user-agent", "curl/8.5"}, `Accept "*/*", no Sec-Fetch-Mode`},
		{"script", nil, append([]string{"/cart", "--user-agent", chromeUA}, script...), ""},
		{"script in WeChat", nil, append([]string{"/cart"}, script...), strings.TrimSuffix(agent, ", ")},
		{"plain http", []string{"WXGATE_TRUSTED_PROXIES=127.0.0.1"}, []string{"http://h5.example.com/cart"},
			agent + accept + page + `, X-Forwarded-Proto "http"`},
		{"an own endpoint", nil, []string{"POST", "/_wx/logout"}, agent + `Accept "*/*", no Sec-Fetch-Mode`},
		{"asked by a proxy", proxy, append([]string{"POST", "/cart?a=b"}, script...), strings.TrimSuffix(agent, ", ") +
			`, X-Forwarded-Method "POST", X-Forwarded-Uri "/cart?a=b", X-Forwarded-Proto "http", X-Forwarded-Host "h5.example.com"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := explain(t, environment("http://web:80", tt.environ...), tt.args...)
			if line := got.line("assumed headers"); line != tt.want || strings.Count(got.all, "assumed headers: ") > 1 {
				t.Errorf("explain %q assumes %q, want %q", tt.args, line, tt.want)
			}
		})
	}
}

// A header that describes the visitor's request replaces the one that explain simulates.
func TestExplainDescribed(t *testing.T) {
	t.Parallel()
	environ := environment("", "WXGATE_MODE=forward-auth", "WXGATE_TRUSTED_PROXIES=127.0.0.1", "WXGATE_PUBLIC_URL=https://h5.example.com",
		"WXGATE_PUBLIC_PATHS=/static/,POST /hook")
	const pass, login = "200: the proxy that asks may let the request pass without identity.",
		"401: the proxy that asks must not let the request pass; with ?redirect=true: 302."
	for _, tt := range []struct {
		args          string
		headers       []string
		first, about  string
		named, header string // "name: text" of a line
	}{
		{"/cart", []string{"X-Forwarded-Uri: /static/x"}, pass, "GET h5.example.com/static/x", "public", `WXGATE_PUBLIC_PATHS "/static/"`},
		{"/hook", []string{"X-Forwarded-Method: POST"}, pass, "POST h5.example.com/hook", "public", `WXGATE_PUBLIC_PATHS "POST /hook"`},
		{"/cart", []string{"X-Forwarded-Host: h5.example.com:8443"}, login, "GET h5.example.com:8443/cart", "login", "a page load without a session"},
		{"/cart", []string{"Host: www.example.com"}, login, "GET www.example.com/cart", "login", "a page load without a session"},
		{"/cart", []string{"X-Forwarded-Proto: http"}, login, "GET h5.example.com/cart", "https",
			`WXGATE_PUBLIC_URL "https://h5.example.com": cookies set by plain http would be lost`},
		{"/cart", []string{"X-Forwarded-Proto: https"}, login, "GET h5.example.com/cart", "login", "a page load without a session"},
		{"/cart", []string{"x-forwarded-uri: /hook", "X-FORWARDED-METHOD: POST", "X-Forwarded-Host: h5.example.com", "X-Forwarded-Proto: https"},
			pass, "POST h5.example.com/hook", "public", `WXGATE_PUBLIC_PATHS "POST /hook"`},
		{"/cart", []string{"X-Original-URI: /static/x"}, pass, "GET h5.example.com/static/x", "public", `WXGATE_PUBLIC_PATHS "/static/"`},
		{"POST /cart", []string{"X-Original-URI: /hook"}, pass, "POST h5.example.com/hook", "public", `WXGATE_PUBLIC_PATHS "POST /hook"`},
		{"/hook", []string{"X-Original-Method: POST"}, pass, "POST h5.example.com/hook", "public", `WXGATE_PUBLIC_PATHS "POST /hook"`},
		{"/cart", []string{"X-Original-URL: https://h5.example.com/static/x"}, pass, "GET h5.example.com/static/x", "public", `WXGATE_PUBLIC_PATHS "/static/"`},
		{"/cart", []string{"X-Original-URL: http://h5.example.com/cart"}, login, "GET h5.example.com/cart", "https",
			`WXGATE_PUBLIC_URL "https://h5.example.com": cookies set by plain http would be lost`},
		{"/cart", []string{"X-Forwarded-Uri: /static/x", "X-Original-URI: /cart"}, "403: the proxy that asks must not let the request pass.", "", "403",
			"X-Forwarded-Uri and X-Original-Uri describe different requests; the proxy in front has to remove the one that it does not set."},
		{"/cart", []string{"X-Forwarded-Uri:"}, login, "nothing: no header describes the visitor's request", "login", "a page load without a session"},
	} {
		args := strings.Fields(tt.args)
		for _, h := range tt.headers {
			args = append(args, "--header", h)
		}
		got := explain(t, environ, args...)
		named := strings.Contains(got.all, "\n"+tt.named+": "+tt.header+"\n")
		if got.first != tt.first || got.line("asked about") != tt.about || !named {
			t.Errorf("explain %q says\n%swant %q, asked about %q, and %s: %s", args, got.all, tt.first, tt.about, tt.named, tt.header)
		}
	}
}

// A path is one of the only site's, with a number or without.
func TestExplainHost(t *testing.T) {
	t.Parallel()
	one := []string{"WXGATE_PUBLIC_URL", "WXGATE_SITES_0_HOSTS=a.example.com,www.a.example.com"}
	seven := []string{"WXGATE_PUBLIC_URL", "WXGATE_SITES_7_HOSTS=a.example.com"}
	port := []string{"WXGATE_PUBLIC_URL", "WXGATE_SITES_0_PUBLIC_URL=https://a.example.com:8443"}
	two := append([]string{"WXGATE_SITES_1_HOSTS=b.example.com"}, one...)
	proxy := append([]string{"WXGATE_MODE=forward-auth", "WXGATE_UPSTREAM", "WXGATE_TRUSTED_PROXIES=127.0.0.1"}, one...)
	const login = "302: redirects to WeChat, where the visitor signs in."
	for _, tt := range []struct {
		name        string
		environ     []string
		args        []string
		first, line string
	}{
		{"no number", nil, []string{"/cart"}, login, "outcome: login"},
		{"one site", one, []string{"/cart"}, login, `site: WXGATE_SITES_0_HOSTS "a.example.com,www.a.example.com"`},
		{"another number", seven, []string{"POST", "/cart", "--header", "Sec-Fetch-Mode: navigate"},
			"401: refused with a page; nothing is forwarded.", `site: WXGATE_SITES_7_HOSTS "a.example.com"`},
		{"one site, by its public URL", port, []string{"/cart"}, login, "outcome: login"},
		{"one site and its host", one, []string{"https://www.a.example.com/cart"},
			"302: redirects to the login at the public URL, https://a.example.com.", "outcome: login"},
		{"two sites and a header", two, []string{"/cart", "--header", "Host: b.example.com"}, login, `site: WXGATE_SITES_1_HOSTS "b.example.com"`},
		{"forward auth", proxy, []string{"/cart"}, "401: the proxy that asks must not let the request pass; with ?redirect=true: 302.",
			"asked about: GET a.example.com/cart"},
		{"no site, of one", one, []string{"https://c.example.com/"}, "421: no site has the host of this request.",
			`421: WXGATE_SITES_0_HOSTS "a.example.com,www.a.example.com": does not hold the host`},
		{"no site, of two", two, []string{"https://c.example.com/"}, "421: no site has the host of this request.",
			`421: WXGATE_SITES_1_HOSTS "b.example.com": does not hold the host`},
		{"no site, for an endpoint", two, []string{"/_wx/me", "--header", "Host: c.example.com"}, "421: no site has the host of this request.",
			`421: WXGATE_SITES_0_HOSTS "a.example.com,www.a.example.com": does not hold the host`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := explain(t, environment("http://web:80", append(tt.environ, "WXGATE_PUBLIC_PATHS")...), tt.args...)
			if got.first != tt.first || !strings.Contains(got.all, "\n"+tt.line+"\n") {
				t.Errorf("explain %q says\n%swant %q and %q", tt.args, got.all, tt.first, tt.line)
			}
		})
	}
}

// An address that is none is refused in plain words.
func TestExplainFrom(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"bad", "", "10.0.0.0/8", "10.0.0.1:80", "[::1]", "localhost", "1.2.3", "256.1.1.1", "::g"} {
		var stdout, stderr strings.Builder
		code := wxgate.Run([]string{"explain", "/cart", "--from", from}, environment("http://web:80"), &stdout, &stderr)
		want := fmt.Sprintf("wxgate: --from %q: expected one IP address without port or prefix length, "+
			"such as 192.0.2.1 or 2001:db8::1\n", from)
		if code != 2 || !strings.HasPrefix(stderr.String(), want) {
			t.Errorf("--from %q: exit %d, %q, want 2 and %q", from, code, &stderr, want)
		}
	}
	for _, from := range []string{"192.0.2.1", "::1", "::ffff:10.0.0.1", "2001:db8::1"} {
		explain(t, environment("http://web:80"), "/cart", "--from", from)
	}
}

// The help names each flag in the usage line, what is assumed, and what plays no part.
func TestExplainHelp(t *testing.T) {
	t.Parallel()
	got := explain(t, nil, "--help")
	for _, want := range []string{
		"[--as OPENID|nobody] [--user-agent UA] [--header 'Name: value'] [--from ADDRESS]",
		"Sec-Fetch-Mode: navigate", "Accept: */*", "no Sec-Fetch-Mode", `"assumed headers"`, "WXGATE_LOGIN_RATE plays no part",
	} {
		if !strings.Contains(got.all, want) {
			t.Errorf("explain --help lacks %q:\n%s", want, got.all)
		}
	}
}
