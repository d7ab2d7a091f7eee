package gateway_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

func TestUpstreamBreaksOff(t *testing.T) {
	t.Parallel()
	rig := newRig(t, switching(func(conn io.ReadWriter) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	}))
	q := rig.newRequest(t, "GET", "/", nil, "Cookie", signedIn(t))
	res, err := rig.Client().Transport.RoundTrip(q)
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("the visitor sees a whole answer, want a broken one")
	}
	if line := rig.lines.next(t); line["status"] != 200.0 || line["bytes"] != 4.0 {
		t.Errorf("access line %v, want status 200 and 4 bytes", line)
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
