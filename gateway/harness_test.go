package gateway_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
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

// browserUA is the User-Agent of WeChat's browser on an iPhone.
const browserUA = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50(0x18003200) NetType/WIFI Language/zh_CN"

// weChatAuthorize is the beginning of the address of WeChat's authorize page.
const weChatAuthorize = "https://open.weixin.qq.com/connect/oauth2/authorize?"

// asPage and fromScript are the headers, name and value by turns, by which
// WeChat's browser loads a page and sends a script's request.
var (
	asPage     = []string{"User-Agent", browserUA, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode", "navigate"}
	fromScript = []string{"User-Agent", browserUA, "Accept", "*/*", "Sec-Fetch-Mode", "cors"}
)

// loopback is where the tests' own requests come from.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func rigKeys() session.Keys { return session.Keys{randomKey('k')} }

// randomKey returns 32 bytes without a pattern, other ones for each c.
func randomKey(c byte) []byte {
	sum := sha256.Sum256([]byte{c})
	return sum[:]
}

// A rig is a gateway on a socket, with its access lines and metrics.
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

// newRig starts a gateway before the site. The site is nil if change names the
// upstreams, or if there are none.
func newRig(t testing.TB, site http.Handler, change ...func(*testConfig)) *rig {
	t.Helper()
	g, r := newGateway(t, site, change...)
	r.Server = httptest.NewServer(g)
	t.Cleanup(r.Close)
	return r
}

// newGateway is newRig without the server.
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
	go g.Run(t.Context())
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

// next waits for the next access line, which is written after the answer.
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

// count is counterValue of the rig's metrics.
func (r *rig) count(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	return counterValue(t, r.registry, name, labels...)
}

// counterValue returns the value of a counter, or the number of a histogram's
// observations, with exactly these labels (name, value, name, value …).
func counterValue(t testing.TB, registry *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	want := make(map[string]string)
	for pair := range slices.Chunk(labels, 2) {
		want[pair[0]] = pair[1]
	}
	families, err := registry.Gather()
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

// sessionCookie returns the cookie, name and value, of a session under the
// configuration c. A session without times begins now.
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

// renewedAgo makes a session one that was last renewed d ago.
func renewedAgo(d time.Duration) func(*session.Session) {
	return func(s *session.Session) {
		s.RenewedAt = time.Now().Add(-d)
		s.IssuedAt = s.RenewedAt
	}
}

// newRequest makes a request for the rig with the header fields (name, value,
// name, value …), whose names are sent as they are. It times out after thirty
// seconds.
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

// do sends a request without a body.
func (r *rig) do(t testing.TB, method, target string, header ...string) *answer {
	t.Helper()
	return r.send(t, r.newRequest(t, method, target, nil, header...))
}

// raw is a connection on which a test writes any bytes.
type raw struct {
	net.Conn
	*bufio.Reader
}

func (r *raw) Read(b []byte) (int, error) { return r.Reader.Read(b) }

// dial opens a connection to the rig.
func (r *rig) dial(t testing.TB) *raw {
	t.Helper()
	return dialRaw(t, "tcp", r.Listener.Addr().String())
}

// dialRaw opens a connection that lasts at most twenty seconds.
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

// say writes lines, each of which ends with CRLF.
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

// ask returns the answer to one request on a connection of its own. The empty line
// at the end of the header is added.
func (r *rig) ask(t testing.TB, lines ...string) *answer {
	t.Helper()
	conn := r.dial(t)
	defer conn.Close()
	conn.say(t, append(slices.Clone(lines), "Connection: close", "")...)
	method, _, _ := strings.Cut(lines[0], " ")
	return readAnswer(t, conn.hear(t, method))
}

func newAccount() *wechat.Client {
	return &wechat.Client{AppID: rigAppID, AppSecret: "not used here"}
}
