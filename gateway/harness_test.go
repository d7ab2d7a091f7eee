package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

const (
	rigOrigin = "https://h5.example.com"
	rigHost   = "h5.example.com"
	rigAppID  = "wx0123456789abcdef"
	rigCookie = "__Host-wxgate"
	rigOpenID = "oABC-123_xyz456789012345678"
)

// browserUA is what WeChat's browser on an iPhone says.
const browserUA = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003200) NetType/WIFI Language/zh_CN"

func rigKeys() session.Keys { return session.Keys{bytes.Repeat([]byte("k"), 32)} }

// A rig is a gateway on a socket, with what it writes for its operator.
type rig struct {
	*httptest.Server
	lines    accessLines
	registry *prometheus.Registry
}

// A testConfig describes a gateway with one site, unless its Sites are set.
type testConfig struct {
	gateway.Config
	gateway.Site
}

// whole is the configuration for gateway.New.
func (c testConfig) whole() gateway.Config {
	if c.Sites == nil {
		c.Sites = []gateway.Site{c.Site}
	}
	return c.Config
}

// newOneSite makes a gateway with one site.
func newOneSite(c gateway.Site) (*gateway.Gateway, error) {
	return gateway.New(testConfig{Site: c}.whole())
}

// newRig starts a gateway before the site, which may be nil where change names
// the upstreams.
func newRig(t testing.TB, site http.Handler, change ...func(*testConfig)) *rig {
	t.Helper()
	g, r := newGateway(t, site, change...)
	r.Server = httptest.NewServer(g)
	t.Cleanup(r.Close)
	return r
}

// newGateway returns a gateway before the site and a rig without a server.
func newGateway(t testing.TB, site http.Handler, change ...func(*testConfig)) (*gateway.Gateway, *rig) {
	t.Helper()
	r := &rig{lines: make(accessLines, 10_000), registry: prometheus.NewRegistry()}
	c := testConfig{
		Site:   gateway.Site{PublicURL: rigOrigin, Account: newAccount(), CookieKeys: rigKeys()},
		Config: gateway.Config{Logger: zerolog.New(r.lines), AccessLog: true, Metrics: r.registry},
	}
	if site != nil {
		upstream := httptest.NewServer(site)
		t.Cleanup(upstream.Close)
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, upstream.URL)}}
	}
	for _, f := range change {
		f(&c)
	}
	g, err := gateway.New(c.whole())
	if err != nil {
		t.Fatalf("gateway.New: %v", err)
	}
	return g, r
}

func mustURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// accessLines receives the access lines of a log.
type accessLines chan map[string]any

func (a accessLines) Write(b []byte) (int, error) {
	line := map[string]any{}
	if err := json.Unmarshal(b, &line); err != nil {
		return 0, err
	}
	if line["message"] == "request" {
		line["raw"] = string(b)
		a <- line
	}
	return len(b), nil
}

// next waits for the next access line: it is written after the answer.
func (a accessLines) next(t testing.TB) map[string]any {
	t.Helper()
	select {
	case line := <-a:
		return line
	case <-time.After(10 * time.Second):
		t.Fatal("no access line within ten seconds")
		return nil
	}
}

// count returns the value of a counter, or the number of a histogram's
// observations, with exactly these labels (name, value, name, value …).
func (r *rig) count(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	want := make(map[string]string)
	for pair := range slices.Chunk(labels, 2) {
		want[pair[0]] = pair[1]
	}
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			got := make(map[string]string)
			for _, label := range m.GetLabel() {
				got[label.GetName()] = label.GetValue()
			}
			if maps.Equal(got, want) {
				return m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return 0
}

// signedIn returns the session cookie, name and value, of a visitor.
func signedIn(t testing.TB, change ...func(*session.Session)) string {
	t.Helper()
	now := time.Now()
	s := &session.Session{AppID: rigAppID, OpenID: rigOpenID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now}
	for _, f := range change {
		f(s)
	}
	return sessionCookie(t, session.Config{Keys: rigKeys(), Site: rigOrigin, AppID: rigAppID, Secure: true, Lifetime: rigLifetime}, s)
}

var rigLifetime = session.Lifetime{TTL: 24 * time.Hour, MaxTTL: 720 * time.Hour}

// sessionCookie returns the cookie, name and value, that c makes of a session; one
// without times began now.
func sessionCookie(t testing.TB, c session.Config, s *session.Session) string {
	t.Helper()
	store, err := session.NewCookieStore(c)
	if err != nil {
		t.Fatal(err)
	}
	if s.IssuedAt.IsZero() {
		s.IssuedAt, s.RenewedAt = time.Now(), time.Now()
	}
	h := make(http.Header)
	if err := store.Save(nil, h, s); err != nil {
		t.Fatal(err)
	}
	pair, _, _ := strings.Cut(h.Get("Set-Cookie"), ";")
	return pair
}

// renewedAgo makes a session that was renewed so long ago.
func renewedAgo(d time.Duration) func(*session.Session) {
	return func(s *session.Session) {
		s.RenewedAt = time.Now().Add(-d)
		s.IssuedAt = s.RenewedAt
	}
}

// An answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

// sessionCookie returns the value of the session cookie that the answer sets,
// or "".
func (a *answer) sessionCookie() string {
	for _, c := range a.Cookies() {
		if c.Name == rigCookie {
			return c.Value
		}
	}
	return ""
}

// newRequest makes a request for the rig with the header fields (name, value,
// name, value …), whose names are sent as they are written here. Its answer has
// to be there within thirty seconds.
func (r *rig) newRequest(t testing.TB, method, target string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	q, err := http.NewRequestWithContext(ctx, method, r.URL+target, body)
	if err != nil {
		t.Fatal(err)
	}
	q.Host = rigHost
	for pair := range slices.Chunk(header, 2) {
		q.Header[pair[0]] = append(q.Header[pair[0]], pair[1])
	}
	return q
}

// send sends a request, follows no redirect and reads the answer.
func (r *rig) send(t testing.TB, q *http.Request) *answer {
	t.Helper()
	res, err := r.Client().Transport.RoundTrip(q)
	if err != nil {
		t.Fatalf("%s %s: %v", q.Method, q.URL, err)
	}
	return readAnswer(t, res)
}

func readAnswer(t testing.TB, res *http.Response) *answer {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return &answer{res, string(body)}
}

// do sends a request without a body.
func (r *rig) do(t testing.TB, method, target string, header ...string) *answer {
	t.Helper()
	return r.send(t, r.newRequest(t, method, target, nil, header...))
}

// raw is a connection to the rig on which a test writes what it likes.
type raw struct {
	net.Conn
	*bufio.Reader
}

func (r *raw) Read(b []byte) (int, error) { return r.Reader.Read(b) }

func (r *rig) dial(t testing.TB) *raw {
	t.Helper()
	return dialRaw(t, "tcp", r.Listener.Addr().String())
}

func dialRaw(t testing.TB, network, address string) *raw {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{conn, bufio.NewReader(conn)}
}

// say writes lines, each ended by CRLF.
func (r *raw) say(t testing.TB, lines ...string) {
	t.Helper()
	if _, err := io.WriteString(r.Conn, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

// hear reads the header of the next answer.
func (r *raw) hear(t testing.TB, method string) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(r.Reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	return res
}

// ask sends one request, given as lines without the empty one at the end, on a
// connection of its own.
func (r *rig) ask(t testing.TB, lines ...string) *answer {
	t.Helper()
	conn := r.dial(t)
	defer conn.Close()
	conn.say(t, append(slices.Clone(lines), "Connection: close", "")...)
	method, _, _ := strings.Cut(lines[0], " ")
	return readAnswer(t, conn.hear(t, method))
}

// echo is a site that answers with what it was asked, as JSON, and counts.
type echo struct{ hits atomic.Int64 }

// An echoed is what the site saw of a request.
type echoed struct {
	Method  string
	Target  []byte // the request target, byte for byte
	Host    string
	Proto   string
	Header  http.Header
	Trailer http.Header
	Body    string
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.hits.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(echoed{
		Method: r.Method, Target: []byte(r.RequestURI), Host: r.Host, Proto: r.Proto,
		Header: r.Header, Trailer: r.Trailer, Body: string(body),
	})
}

// echoOf returns what the site saw, as its answer tells.
func echoOf(t testing.TB, a *answer) echoed {
	t.Helper()
	var e echoed
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("answer %d %q is not the site's echo: %v", a.StatusCode, a.body, err)
	}
	return e
}

// hasPrefixFold returns the header fields whose names begin with prefix where
// neither case nor the kind of separator counts, in order.
func hasPrefixFold(h http.Header, prefix string) []string {
	var found []string
	for name, values := range h {
		if strings.HasPrefix(strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name)), prefix) {
			for _, v := range values {
				found = append(found, name+": "+v)
			}
		}
	}
	slices.Sort(found)
	return found
}

func newAccount() *wechat.Client {
	return &wechat.Client{AppID: rigAppID, AppSecret: "not used here"}
}

// A refusal is the JSON body of an answer that the gateway makes itself.
type refusal struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
	LoginURL  string `json:"login_url"`
}

func refusalOf(t testing.TB, a *answer) refusal {
	t.Helper()
	var f refusal
	if err := json.Unmarshal([]byte(a.body), &f); err != nil || !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
		t.Fatalf("answer %d %s %q is no refusal in JSON: %v", a.StatusCode, a.Header.Get("Content-Type"), a.body, err)
	}
	return f
}
