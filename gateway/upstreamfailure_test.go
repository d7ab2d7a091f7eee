package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
)

func TestUpstreamDownOrSlow(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(switching(func(conn io.ReadWriter) { io.Copy(io.Discard, conn) }))
	t.Cleanup(silent.Close)
	malformed := httptest.NewServer(switching(func(conn io.ReadWriter) { io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n") }))
	t.Cleanup(malformed.Close)
	rig := newRig(t, nil, func(c *testConfig) {
		c.UpstreamTimeout = 2 * time.Second
		c.Upstreams = []gateway.Upstream{
			{Prefix: "/closed", URL: mustURL(t, "http://127.0.0.1:1")}, {Prefix: "/silent", URL: mustURL(t, silent.URL)}, {Prefix: "/malformed", URL: mustURL(t, malformed.URL)},
			{Prefix: "/absent", URL: mustURL(t, "unix:///nonexistent/site.sock")},
		}
	})
	for _, test := range []struct {
		path   string
		status int
	}{{"/closed", 502}, {"/silent", 504}, {"/malformed", 502}, {"/absent", 502}} {
		page := rig.do(t, "GET", test.path, "Cookie", signedIn(t), "Accept", "text/html", "User-Agent", browserUA)
		if page.StatusCode != test.status || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.body, "</html>") {
			t.Errorf("%s: page load: %d %s, want %d as a page", test.path, page.StatusCode, page.Header.Get("Content-Type"), test.status)
		}
		if got := button(t, page.body); got != "" {
			t.Errorf("%s: button leads to %q, want the same address again", test.path, got)
		}
		api := rig.do(t, "GET", test.path, "Cookie", signedIn(t), "Sec-Fetch-Mode", "cors")
		if f := refusalOf(t, api); api.StatusCode != test.status || f.Error != "upstream_unavailable" {
			t.Errorf("%s: script: %d %q, want %d upstream_unavailable", test.path, api.StatusCode, f.Error, test.status)
		}
		for _, a := range []*answer{page, api} {
			if len(a.Header["Set-Cookie"]) > 0 || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Retry-After") == "" {
				t.Errorf("%s: header %v, want the session left alone, no-store and Retry-After", test.path, a.Header)
			}
		}
		for range 2 {
			if line := rig.lines.next(t); line["outcome"] != "error" || line["user"] == nil {
				t.Errorf("%s: access line %v, want outcome error and the user", test.path, line)
			}
		}
	}
}

// The visitor gets what has come of an answer that breaks off. Nothing at all would make a
// browser send the request again.
func TestUpstreamBreaksOff(t *testing.T) {
	t.Parallel()
	for _, rest := range []string{
		"Content-Length: 100\r\n\r\nhalf",
		"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
	} {
		rig := newRig(t, switching(func(conn io.ReadWriter) { io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+rest) }))
		q := rig.newRequest(t, "POST", "/", strings.NewReader("order"), "Cookie", signedIn(t))
		res, err := rig.Client().Transport.RoundTrip(q)
		if err != nil {
			t.Errorf("%q: %v, want a status", rest, err)
			continue
		}
		if body, err := io.ReadAll(res.Body); string(body) != "half" || err == nil {
			t.Errorf("%q: the visitor gets %q, %v, want half and an error", rest, body, err)
		}
		if line := rig.lines.next(t); line["status"] != 200.0 || line["bytes"] != 4.0 {
			t.Errorf("%q: access line %v, want status 200 and 4 bytes", rest, line)
		}
	}
}

// An upload that the visitor breaks off does not count as a failure of the site.
func TestVisitorBreaksOff(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo))
	for _, body := range [][]string{
		{"Content-Length: 100", "", "half"},
		{"Transfer-Encoding: chunked", "", "zz", "not a chunk", ""},
	} {
		conn := rig.dial(t)
		conn.say(t, append([]string{"POST / HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t)}, body...)...)
		conn.Conn.(*net.TCPConn).CloseWrite()
		conn.hear(t, "POST")
		if line := rig.lines.next(t); line["status"] != 400.0 && line["status"] != 499.0 {
			t.Errorf("%s: access line %v, want status 400 or 499", body[0], line)
		}
	}
}

// An error about a malformed answer does not quote it in the log.
func TestMalformedAnswersAreNotQuotedInTheLog(t *testing.T) {
	t.Parallel()
	const secret = "oSECRET-echoed-by-the-site"
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Echo "+secret+"\r\n\r\n")
	})
	var log strings.Builder
	rig := newRig(t, site, func(c *testConfig) { c.Logger = c.Logger.Output(&log) })
	a := rig.do(t, "GET", "/", "Cookie", signedIn(t))
	if a.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d, want 502", a.StatusCode)
	}
	rig.Close()
	if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), "upstream_unavailable") {
		t.Errorf("the log says %q", log.String())
	}
}

// rawSite starts a site that sends the same text to each client that has sent something.
func rawSite(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.Read(make([]byte, 64<<10))
				io.WriteString(conn, text)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// The line of a failed upstream says which one it is, and what to do.
func TestUpstreamFailuresInTheLog(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(switching(func(conn io.ReadWriter) { io.Copy(io.Discard, conn) }))
	t.Cleanup(silent.Close)
	plain, secure := httptest.NewServer(new(echo)), httptest.NewTLSServer(new(echo))
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	as := func(scheme, address string) string {
		_, host, _ := strings.Cut(address, "://")
		return scheme + "://" + host
	}
	closing, half := rawSite(t, ""), rawSite(t, "HTTP/1.1 200 OK\r\nX-A: b\r\n")
	const brokeOff = "read its log: it broke off the connection; if it "
	for _, test := range []struct {
		url, error, hint string // error and hint: what they begin with
	}{
		{"http://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused", "start it, or correct WXGATE_UPSTREAM"},
		{"https://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused", "start it, or correct WXGATE_UPSTREAM"},
		{"h2c://127.0.0.1:1", "dial tcp 127.0.0.1:1: connect: connection refused", "start it, or correct WXGATE_UPSTREAM"},
		{"unix:///nonexistent/site.sock", "dial unix /nonexistent/site.sock", "start it, or correct WXGATE_UPSTREAM"},
		{"http://nowhere.invalid:81", "dial tcp: lookup nowhere.invalid", "correct the host in WXGATE_UPSTREAM, or the DNS"},
		{closing, "", brokeOff + "expects TLS, use https:// in WXGATE_UPSTREAM"},
		{half, "", brokeOff + "expects TLS, use https:// in WXGATE_UPSTREAM"},
		{as("https", closing), "", brokeOff + "does not speak TLS, use http:// in WXGATE_UPSTREAM"},
		{as("h2c", closing), "", "if it speaks HTTP/1 only, use http:// in WXGATE_UPSTREAM"},
		{as("h2c", plain.URL), "", "if it speaks HTTP/1 only, use http:// in WXGATE_UPSTREAM"},
		{as("https", plain.URL), "", "it does not speak TLS: use http:// in WXGATE_UPSTREAM"},
		{secure.URL, "", "set WXGATE_UPSTREAM_CA_FILE to a file with the CA that signed its certificate"},
		{rawSite(t, "SSH-2.0-OpenSSH_9.9\r\n"), "", "it does not speak HTTP/1: correct the port in WXGATE_UPSTREAM"},
		{rawSite(t, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "", "its answer breaks the rules of HTTP"},
		{silent.URL, "", "look at what it does with this request, or raise WXGATE_UPSTREAM_TIMEOUT"},
	} {
		t.Run(test.url, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{"GET", "POST"} { // two transports
				var log strings.Builder
				rig := newRig(t, nil, func(c *testConfig) {
					c.Logger, c.UpstreamTimeout = c.Logger.Output(&log), 2*time.Second
					at := mustURL(t, test.url)
					if at.Scheme != "unix" {
						at.User, at.RawQuery = url.UserPassword("planted", "planted"), "planted"
					}
					c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: at}}
				})
				rig.do(t, method, "/", "Cookie", signedIn(t))
				rig.Close()
				line := failedLine(t, log.String())
				if line["level"] != "warn" || line["upstream"] != test.url ||
					!strings.HasPrefix(line["hint"], test.hint) || !strings.HasPrefix(line["error"], test.error) {
					t.Errorf("%s: the log says %q, want level warn, the upstream, error %q and hint %q", method, line, test.error, test.hint)
				}
				if strings.Contains(log.String(), "planted") {
					t.Errorf("%s: the log has user or query of the upstream: %s", method, &log)
				}
			}
		})
	}
}

// failedLine returns the line "request failed" of a log.
func failedLine(t *testing.T, text string) map[string]string {
	t.Helper()
	for line := range strings.Lines(text) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["message"] == "request failed" {
			texts := map[string]string{}
			for name, value := range fields {
				texts[name] = fmt.Sprint(value)
			}
			return texts
		}
	}
	t.Fatalf("no line of a failure in %q", text)
	return nil
}

// So does the line about an answer that breaks off in the middle.
func TestBrokenAnswersInTheLogNameTheUpstream(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		site := rawSite(t, text)
		var log strings.Builder
		rig := newRig(t, nil, func(c *testConfig) {
			c.Logger = c.Logger.Output(&log)
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, site)}}
		})
		res, err := rig.Client().Transport.RoundTrip(rig.newRequest(t, "GET", "/", nil, "Cookie", signedIn(t)))
		if err == nil {
			io.ReadAll(res.Body)
			res.Body.Close()
		}
		rig.Close()
		for _, want := range []string{"unexpected EOF", `"upstream":"` + site + `"`, `"hint":"read its log`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q: the log says %s, want %s", text, &log, want)
			}
		}
	}
}
