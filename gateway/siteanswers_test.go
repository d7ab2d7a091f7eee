package gateway_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway"
)

// siteAnswers are answers of a site as bytes, and what the visitor gets of them. Names
// are in lower case and sorted. A Date that the site does not send is not listed: the
// gateway adds it, as RFC 9110 (6.6.1) asks of a recipient that has a clock.
var siteAnswers = []struct {
	name   string
	method string // empty: GET
	answer string
	want   string // status, header and body, by HTTP/1.1 and HTTP/2
}{
	{"no type", "", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "200|content-length: 6|<html>"},
	{"no type, but nosniff", "",
		"HTTP/1.1 200 OK\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 6\r\n\r\n<html>",
		"200|content-length: 6|x-content-type-options: nosniff|<html>"},
	{"no type, in chunks", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<html>\r\n0\r\n\r\n",
		"200|<html>"},
	{"no type, up to the end", "", "HTTP/1.0 200 OK\r\n\r\n<html>", "200|<html>"},
	{"no type, an error", "", "HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<html>",
		"404|content-length: 6|<html>"},
	{"no type, after an early answer", "",
		"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Type: text/html\r\n\r\n" +
			"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
		"200|content-length: 6|<html>"},
	{"empty type", "", "HTTP/1.1 200 OK\r\nContent-Type:\r\nContent-Length: 6\r\n\r\n<html>",
		"200|content-length: 6|content-type: |<html>"},
	{"a type", "", "HTTP/1.1 200 OK\r\nContent-Type: a/b; c\r\nContent-Length: 6\r\n\r\n<html>",
		"200|content-length: 6|content-type: a/b; c|<html>"},
	{"compressed, no type", "", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
		"200|content-encoding: gzip|content-length: 2|\x1f\x8b"},
	{"date", "", "HTTP/1.1 200 OK\r\nDate: Tue, 01 Jan 2019 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n",
		"200|content-length: 0|date: Tue, 01 Jan 2019 00:00:00 GMT|"},
	{"length 0", "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200|content-length: 0|"},
	{"empty, in chunks", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200|"},
	{"empty, up to the end", "", "HTTP/1.0 200 OK\r\n\r\n", "200|"},
	{"HEAD with a length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "200|content-length: 10|"},
	{"HEAD with length 0", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200|content-length: 0|"},
	{"HEAD without a length", "HEAD", "HTTP/1.1 200 OK\r\n\r\n", "200|"},
	{"HEAD of chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200|"},
	{"HEAD, not modified", "HEAD", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 10\r\n\r\n",
		"304|etag: \"a\"|"},
	{"204", "", "HTTP/1.1 204 No Content\r\nETag: \"a\"\r\nLast-Modified: Tue, 01 Jan 2019 00:00:00 GMT\r\n\r\n",
		"204|etag: \"a\"|last-modified: Tue, 01 Jan 2019 00:00:00 GMT|"},
	{"204 with a length", "", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", "204|"},
	{"304", "",
		"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nLast-Modified: Tue, 01 Jan 2019 00:00:00 GMT\r\n" +
			"Cache-Control: max-age=5\r\nVary: Accept\r\nContent-Length: 10\r\n\r\n",
		"304|cache-control: max-age=5|etag: \"a\"|last-modified: Tue, 01 Jan 2019 00:00:00 GMT|vary: Accept|"},
	{"a name several times", "",
		"HTTP/1.1 200 OK\r\nX-A: 2\r\nSet-Cookie: b=1\r\nx-a: 0\r\nSet-Cookie: a=1\r\nX-A: 1\r\n" +
			"Content-Length: 0\r\n\r\n",
		"200|content-length: 0|set-cookie: b=1|set-cookie: a=1|x-a: 2|x-a: 0|x-a: 1|"},
	{"empty values", "", "HTTP/1.1 200 OK\r\nX-A:\r\nX-A: 1\r\nCache-Control: \r\nContent-Length: 0\r\n\r\n",
		"200|cache-control: |content-length: 0|x-a: |x-a: 1|"},
	{"bytes that are not ASCII", "",
		"HTTP/1.1 200 OK\r\nX-A: \xe4\xb8\xad\xff\r\nX_A: 1\r\nServer: s/1\r\nContent-Length: 0\r\n\r\n",
		"200|content-length: 0|server: s/1|x-a: \xe4\xb8\xad\xff|x_a: 1|"},
	{"about the connection", "",
		"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n" +
			"Upgrade: h2c\r\nProxy-Connection: close\r\nContent-Length: 0\r\n\r\n",
		"200|content-length: 0|"},
	{"Connection: close", "", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
		"200|content-length: 2|hi"},
	{"trailers", "",
		"HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n",
		"200|trailer: X-T|hi|x-t: 1|x-u: 2"},
	{"two lengths that agree", "", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
		"200|content-length: 2|hi"},
	{"chunks and a length", "",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200|hi"},
	{"unknown status", "", "HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nhi", "799|content-length: 2|hi"},
}

// An answer passes as the site sent it: nothing is added by a guess, and nothing but
// what concerns the connection is taken out.
func TestSiteAnswersPassAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, tt := range siteAnswers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := serveBytes(t, tt.answer)
			rig := newFrontRig(t, nil, func(c *testConfig) {
				c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, "http://"+address)}}
			})
			method := "GET"
			if tt.method != "" {
				method = tt.method
			}
			for protocol, got := range map[string]string{
				"HTTP/1.1": answerByHTTP1(t, rig, method), "HTTP/2": answerByHTTP2(t, rig, method),
			} {
				if !strings.Contains(tt.answer, "Date") {
					got = withoutDate(t, got)
				}
				if !strings.Contains(tt.answer, "Content-Length") {
					// net/http says so if an empty answer has ended before it is flushed.
					got = strings.Replace(got, "|content-length: 0|", "|", 1)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", protocol, diff)
				}
			}
		})
	}
}

// answerByHTTP1 is the answer in the form of siteAnswers.
func answerByHTTP1(t *testing.T, rig *rig, method string) string {
	t.Helper()
	conn := rig.dial(t)
	conn.say(t, method+" / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "Connection: close", "")
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	text := string(all)
	for strings.HasPrefix(text, "HTTP/1.1 1") {
		_, text, _ = strings.Cut(text, "\r\n\r\n")
	}
	header, body, _ := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(header, "\r\n")
	fields := slices.DeleteFunc(lines[1:], func(line string) bool {
		return line == "Connection: close" || line == "Transfer-Encoding: chunked" // of this connection
	})
	var trailer []string
	if strings.Contains(header, "chunked") {
		body, trailer = unchunked(body)
	}
	return answerText(lines[0][len("HTTP/1.1 "):][:3], fields, body, trailer)
}

// unchunked returns the data and the trailer of a body in chunks.
func unchunked(text string) (body string, trailer []string) {
	for {
		size, rest, _ := strings.Cut(text, "\r\n")
		if size == "0" || size == "" {
			return body, strings.Split(strings.TrimSuffix(rest, "\r\n"), "\r\n")[:strings.Count(rest, "\r\n")-1]
		}
		data, after, _ := strings.Cut(rest, "\r\n")
		body, text = body+data, after
	}
}

// answerByHTTP2 is the answer in the form of siteAnswers.
func answerByHTTP2(t *testing.T, rig *rig, method string) string {
	t.Helper()
	c := rig.dialHTTP2(t)
	c.write(t, headers(true, ":method: "+method, ":scheme: http", ":authority: "+rigHost, ":path: /", "cookie: COOKIE"))
	a := c.hear(1)
	return answerText(a.outcome, a.header, a.body, a.trailer)
}

// answerText joins the parts of an answer in the form of siteAnswers. The order of the
// names is net/http's; that of the values of one name is the site's.
func answerText(status string, fields []string, body string, trailer []string) string {
	name := func(field string) string { return strings.ToLower(upTo(field, ":")) }
	for _, list := range [][]string{fields, trailer} {
		for i, field := range list {
			list[i] = name(field) + field[len(name(field)):]
		}
		slices.SortStableFunc(list, func(a, b string) int { return strings.Compare(name(a), name(b)) })
	}
	parts := append([]string{status}, fields...)
	return strings.Join(append(append(parts, body), trailer...), "|")
}

// withoutDate removes the one Date of an answer.
func withoutDate(t *testing.T, answer string) string {
	t.Helper()
	parts := strings.Split(answer, "|")
	kept := slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return strings.HasPrefix(part, "date: ") })
	if len(kept) != len(parts)-1 {
		t.Errorf("answer %q has %d dates, want one", answer, len(parts)-len(kept))
	}
	return strings.Join(kept, "|")
}

// A status that no answer can have is a failure of the site.
func TestImpossibleStatus(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"000", "001", "042", "099"} {
		address := serveBytes(t, "HTTP/1.1 "+status+" Odd\r\nContent-Length: 2\r\n\r\nhi")
		rig := newFrontRig(t, nil, func(c *testConfig) {
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, "http://"+address)}}
		})
		a := rig.do(t, "GET", "/", append([]string{"Cookie", signedIn(t)}, fromScript...)...)
		wantRefusal(t, a, 502, "upstream_unavailable")
		if line := rig.lines.next(t); line["status"] != 502.0 || line["outcome"] != "error" {
			t.Errorf("status %s: access line %v, want 502, error", status, line)
		}
	}
}

// A handler in this process is served by net/http: what it does not say about its type
// is guessed, as without the gateway.
func TestWrapGuessesTypesAsNetHTTP(t *testing.T) {
	t.Parallel()
	rig := newWrapped(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") })
	a := rig.do(t, "GET", "/", "Cookie", signedIn(t))
	if got := a.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Errorf("Content-Type = %q, want net/http's guess", got)
	}
}
