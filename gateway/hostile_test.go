package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// The hostile requests are tables: hostileHTTP1 of raw bytes, hostileHTTP2 of raw frames.
// Each row says what the client gets and what the site behind sees, through the reverse
// proxy and through Wrap. To add a request, add a row.
//
// In bytes and fields, HOST is the site's host, and COOKIE a visitor's session. Paths
// below /public/ are public.

// A hostile is a request that no honest client sends.
type hostile struct {
	name   string
	bytes  string  // of HTTP/1.1; the last request has Connection: close
	frames []frame // of HTTP/2, on stream 1
	// answers is what the client gets: for HTTP/1.1 the status of each answer on the
	// connection, for HTTP/2 the outcome of an h2Answer.
	answers string
	// saw is what the site sees of it, in the form of witness: nothing if it is empty.
	saw []string
}

// A witness is a site that notes each whole request: its method, target and body, and
// the headers that tell something, sorted.
type witness struct {
	mu  sync.Mutex
	saw []string
}

func (s *witness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	note := r.Method + " " + r.RequestURI
	if r.URL.IsAbs() { // a handler in this process sees it as it was sent
		note = r.Method + " " + r.URL.RequestURI()
	}
	if r.Host != rigHost {
		note += " at " + r.Host
	}
	if len(body) > 0 {
		note += fmt.Sprintf(" with %q", body)
	}
	if slices.Equal(hasPrefixFold(r.Header, "x-wx-"), identityOfRig) {
		note += " as the visitor"
		for _, line := range identityOfRig {
			delete(r.Header, upTo(line, ":"))
		}
	}
	var fields []string
	for name, values := range r.Header {
		if !slices.Contains(usualFields, name) {
			fields = append(fields, fmt.Sprintf(" [%s: %s]", name, strings.Join(values, " | ")))
		}
	}
	for name := range r.Trailer {
		fields = append(fields, " [trailer "+name+"]")
	}
	slices.Sort(fields)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saw = append(s.saw, note+strings.Join(fields, ""))
}

// usualFields are headers of every request, and those about the connection that a
// handler in this process sees.
var usualFields = []string{
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-Id", "User-Agent", "Accept-Encoding",
	"Content-Length", "Connection", "Keep-Alive", "Te",
}

// A hostileFront is a server that hostile requests are sent to, before a site.
type hostileFront struct {
	*rig
	site    *witness
	serving sync.RWMutex // read-locked by each request
}

// newHostileFront starts a server for one of the gateway's handlers before the site.
func newHostileFront(t *testing.T, handler func(*gateway.Gateway, http.Handler) http.Handler) *hostileFront {
	t.Helper()
	f := &hostileFront{site: new(witness)}
	g, r := newGateway(t, f.site, func(c *testConfig) { c.PublicPaths = []string{"/public/"} })
	next := handler(g, f.site)
	r.Server = serveFront(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.serving.RLock()
		defer f.serving.RUnlock()
		next.ServeHTTP(w, r)
	}))
	f.rig = r
	return f
}

// check sends the row and compares what becomes of it.
func (f *hostileFront) check(t *testing.T, row hostile) {
	t.Helper()
	f.site.saw = nil
	got := row.send(t, f.rig)
	f.serving.Lock() // no request is under way
	defer f.serving.Unlock()
	if got != row.answers {
		t.Errorf("the client gets %q, want %q", got, row.answers)
	}
	if !slices.Equal(f.site.saw, row.saw) {
		t.Errorf("the site sees %.300q, want %.300q", f.site.saw, row.saw)
	}
}

func TestHostileRequests(t *testing.T) {
	t.Parallel()
	for name, front := range map[string]*hostileFront{
		"proxy": newHostileFront(t, func(g *gateway.Gateway, _ http.Handler) http.Handler { return g }),
		"Wrap":  newHostileFront(t, (*gateway.Gateway).Wrap),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, row := range slices.Concat(hostileHTTP1, hostileHTTP2) { // one after the other: they share the site
				t.Run(row.name, func(t *testing.T) { front.check(t, row) })
			}
		})
	}
}

// send sends the row and returns what the client gets.
func (row hostile) send(t *testing.T, rig *rig) string {
	t.Helper()
	if row.frames != nil {
		c := rig.dialHTTP2(t)
		defer c.conn.Close()
		c.write(t, row.frames...)
		return c.hear(1).outcome
	}
	conn := rig.dial(t)
	defer conn.Close()
	if _, err := io.WriteString(conn.Conn, fill(t, row.bytes)); err != nil {
		t.Logf("write: %v", err) // the server has given up
	}
	return strings.Join(statuses(conn.Reader), " ")
}

// fill puts the host and a session into the text of a row.
func fill(t testing.TB, text string) string {
	t.Helper()
	return strings.NewReplacer("HOST", rigHost, "COOKIE", signedIn(t)).Replace(text)
}

// statuses reads answers up to the end of the connection.
func statuses(r *bufio.Reader) []string {
	var all []string
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				all = append(all, err.Error())
			}
			return all
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		all = append(all, fmt.Sprint(res.StatusCode))
	}
}

// Envoy passes on the visitor's Content-Length without the body.
func TestExtAuthzTakesALengthWithoutABody(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, nil)
	q := doorRequest{"POST", "/orders", []string{"Cookie", signedIn(t), "Content-Length", "5"}}
	answer, err := newExtAuthz(t, g).Check(t.Context(), checkOf(q))
	if err != nil || answer.GetOkResponse() == nil {
		t.Errorf("Check = %v, %v; want OK", answer, err)
	}
}
