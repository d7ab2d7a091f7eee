package gateway_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestExpectContinue(t *testing.T) {
	t.Parallel()
	var read atomic.Bool
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refuse" {
			http.Error(w, "no", http.StatusExpectationFailed)
			return
		}
		body, _ := io.ReadAll(r.Body)
		read.Store(true)
		w.Write(body)
	}))
	head := []string{"Host: " + rigHost, "Cookie: " + signedIn(t), "Content-Length: 5", "Expect: 100-continue", ""}

	conn := rig.dial(t)
	conn.say(t, append([]string{"POST /take HTTP/1.1"}, head...)...)
	if res := conn.hear(t, "POST"); res.StatusCode != http.StatusContinue {
		t.Fatalf("first answer = %d, want 100", res.StatusCode)
	}
	if read.Load() {
		t.Error("the site has read a body that was not sent yet")
	}
	io.WriteString(conn, "hello")
	if a := readAnswer(t, conn.hear(t, "POST")); a.StatusCode != 200 || a.body != "hello" {
		t.Errorf("answer = %d %q, want 200 and the body", a.StatusCode, a.body)
	}

	conn = rig.dial(t)
	conn.say(t, append([]string{"POST /refuse HTTP/1.1"}, head...)...)
	if a := readAnswer(t, conn.hear(t, "POST")); a.StatusCode != http.StatusExpectationFailed {
		t.Errorf("refused before the body: status %d, want 417 and no 100 before it", a.StatusCode)
	}
}

// An upstream's 100 Continue is not passed on: the gateway's server sends its
// own.
func TestContinueIsSentOnce(t *testing.T) {
	t.Parallel()
	rig := newRig(t, switching(func(conn io.ReadWriter) {
		io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}))
	if a := rig.ask(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t)); a.StatusCode != 200 {
		t.Errorf("first answer = %d, want 200", a.StatusCode)
	}
}

func TestResponseTrailers(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "Announced")
		io.WriteString(w, "body")
		w.Header().Set("Announced", "1")
		w.Header().Set(http.TrailerPrefix+"Unannounced", "2")
	}))
	a := rig.do(t, "GET", "/", "Cookie", signedIn(t))
	if a.body != "body" || a.Trailer.Get("Announced") != "1" || a.Trailer.Get("Unannounced") != "2" {
		t.Errorf("answer %q with trailers %v, want both", a.body, a.Trailer)
	}
}

func TestEventsAreFlushedAtOnce(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		if r.URL.Path == "/sized" {
			w.Header().Set("Content-Length", "20")
		}
		w.WriteHeader(200)
		http.NewResponseController(w).Flush()
		for event := range next {
			io.WriteString(w, event)
			http.NewResponseController(w).Flush()
			if event == "data: end!" {
				return
			}
		}
	}))
	for _, path := range []string{"/", "/sized"} {
		conn := rig.dial(t)
		conn.say(t, "GET "+path+" HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "")
		res := conn.hear(t, "GET") // before the first event
		for _, event := range []string{"data: one\n", "data: end!"} {
			next <- event
			got := make([]byte, len(event))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != event {
				t.Fatalf("%s: read %q, %v; want %q before the next is made", path, got, err, event)
			}
		}
	}
}

func TestCancellationReachesTheUpstream(t *testing.T) {
	t.Parallel()
	arrived, gone := make(chan bool), make(chan bool)
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			io.WriteString(w, "begun")
			http.NewResponseController(w).Flush()
		}
		arrived <- true
		<-r.Context().Done()
		gone <- true
	}))
	for path, status := range map[string]float64{"/": 499, "/body": 200} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		q := rig.newRequest(t, "GET", path, nil, "Cookie", signedIn(t)).WithContext(ctx)
		go func() {
			<-arrived
			if path == "/" {
				cancel()
			}
		}()
		if res, err := rig.Client().Transport.RoundTrip(q); err == nil {
			cancel() // after the header, before the end of the body
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the upstream goes on ten seconds after the visitor has left", path)
		}
		if line := rig.lines.next(t); line["status"] != status || line["outcome"] != "proxied" {
			t.Errorf("%s: access line says status %v, outcome %v; want %v, proxied", path, line["status"], line["outcome"], status)
		}
	}
}

func TestCompressedBodiesPassUntouched(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "hello")
	z.Close()
	var accepted atomic.Value
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		accepted.Store(r.Header.Get("Accept-Encoding"))
		if body, _ := io.ReadAll(r.Body); len(body) > 0 && !bytes.Equal(body, packed.Bytes()) {
			t.Errorf("the site got %q, want the compressed body", body)
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	}))
	for _, accept := range []string{"gzip", "br", ""} {
		lines := []string{"POST / HTTP/1.1", "Host: " + rigHost, "Cookie: " + signedIn(t), "Content-Encoding: gzip",
			fmt.Sprintf("Content-Length: %d", packed.Len()), "Connection: close"}
		if accept != "" {
			lines = append(lines, "Accept-Encoding: "+accept)
		}
		conn := rig.dial(t)
		conn.say(t, append(lines, "", packed.String())...)
		a := readAnswer(t, conn.hear(t, "POST"))
		if a.body != packed.String() || a.Header.Get("Content-Encoding") != "gzip" || a.ContentLength != int64(packed.Len()) {
			t.Errorf("Accept-Encoding %q: %d bytes of %q, want the site's %d of gzip", accept, len(a.body), a.Header.Get("Content-Encoding"), packed.Len())
		}
		if got := accepted.Load(); got != accept {
			t.Errorf("the site was asked for %q, want %q", got, accept)
		}
	}
}

func TestMaxBodyBytes(t *testing.T) {
	t.Parallel()
	site := new(echo)
	rig := newRig(t, site, func(c *testConfig) { c.MaxBodyBytes = 10 })
	tests := []struct {
		name    string
		body    string
		chunked bool
		status  int
	}{
		{"nothing", "", false, 200}, {"the limit", "0123456789", false, 200}, {"the limit in chunks", "0123456789", true, 200},
		{"one too many", "0123456789a", false, 413}, {"one too many in chunks", "0123456789a", true, 413},
		{"far too many in chunks", strings.Repeat("x", 1<<20), true, 413},
	}
	for _, test := range tests {
		before := site.hits.Load()
		var body io.Reader = strings.NewReader(test.body)
		if test.chunked {
			body = struct{ io.Reader }{body}
		}
		a := rig.send(t, rig.newRequest(t, "POST", "/", body, "Cookie", signedIn(t)))
		if a.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.name, a.StatusCode, test.status)
			continue
		}
		if test.status == 200 {
			if got := echoOf(t, a).Body; got != test.body {
				t.Errorf("%s: the site got %q, want %q", test.name, got, test.body)
			}
			continue
		}
		if f := refusalOf(t, a); f.Error != "body_too_large" {
			t.Errorf("%s: error %q, want body_too_large", test.name, f.Error)
		}
		if test.chunked && !a.Close {
			t.Errorf("%s: the connection is kept, want it closed instead of the rest being read", test.name)
		}
		if !test.chunked && site.hits.Load() != before {
			t.Errorf("%s: reached the site", test.name)
		}
	}
}

// deadlines is a ResponseWriter that records the read deadlines set on it.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// A body that is not forwarded has a read deadline, so that a client cannot hold a
// connection by announcing a body and sending none.
func TestUnforwardedBodiesHaveADeadline(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, http.NotFoundHandler())
	handler := g.Wrap(http.NotFoundHandler())
	some := func() io.Reader { return strings.NewReader("x") }
	tests := []struct {
		name, method, target, cookie string
		body                         io.Reader
		bounded                      bool
	}{
		{"refused", "POST", "/orders", "", some(), true},
		{"own", "POST", "/_wx/logout", "", some(), true},
		{"own, unknown", "POST", "/_wx/nothing", "", some(), true},
		{"login", "GET", "/", "", some(), true},
		{"forwarded", "POST", "/orders", signedIn(t), some(), false},
		{"no body", "POST", "/orders", "", http.NoBody, false},
		// An HTTP/2 stream that stays open after content-length: 0.
		{"length 0, refused", "POST", "/orders", "", strings.NewReader(""), true},
		{"length 0, own", "POST", "/_wx/session", "", strings.NewReader(""), true},
		{"length 0, login", "GET", "/", "", strings.NewReader(""), true},
		{"length 0, forwarded", "POST", "/orders", signedIn(t), strings.NewReader(""), true},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, rigOrigin+test.target, test.body)
		r.Header.Set("Cookie", test.cookie)
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		handler.ServeHTTP(w, r)
		if bounded := len(w.set) > 0 && !w.set[len(w.set)-1].IsZero(); bounded != test.bounded {
			t.Errorf("%s: read deadlines %v, want one at the end: %t", test.name, w.set, test.bounded)
		}
	}
}
