package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// crowd are the visitors of a site that knows from each request's path whose it is.
// They share the connections, as those behind one proxy do.
type crowd struct {
	t         *testing.T
	url       string
	visitors  []*crowdVisitor
	http1     http.RoundTripper
	http2     http.RoundTripper
	inProcess http.RoundTripper // to the site behind Wrap

	openIDs map[string]string // by name
	hits    atomic.Int64      // requests that reached the site
	wrongs  atomic.Int64

	mu    sync.Mutex
	users map[string]string // what access lines call a visitor, by name
	ends  map[string]int    // how many requests ended so
}

// newCrowd starts a site with n visitors, and a gateway before it.
func newCrowd(t *testing.T, n int, change func(*testConfig)) *crowd {
	t.Helper()
	c := &crowd{t: t, users: make(map[string]string), ends: make(map[string]int)}
	front := httptest.NewUnstartedServer(nil)
	c.url = "http://" + front.Listener.Addr().String()
	config := testConfig{
		Site: gateway.Site{
			PublicURL:  c.url,
			Account:    c.invite(n),
			CookieKeys: session.Keys{randomKey(7)},
			SessionTTL: 10 * time.Second, // sessions are renewed all the time
			Upstreams: []gateway.Upstream{
				{Prefix: "/", URL: mustURL(t, c.serve(h2c(true)))},
				{Prefix: "/h2/", URL: mustURL(t, strings.Replace(c.serve(h2c(false)), "http", "h2c", 1))},
			},
			PublicPaths:       []string{"/public/", "/h2/public/"},
			AssertionKeysFile: newAssertionKey(t),
		},
		Config: gateway.Config{Logger: zerolog.New(c), AccessLog: true},
	}
	change(&config)
	g, err := gateway.New(config.whole())
	if err != nil {
		t.Fatal(err)
	}
	go g.Run(t.Context())
	front.Config.Handler, front.Config.Protocols = g, h2c(true)
	front.Start()
	t.Cleanup(front.Close)
	c.http1, c.http2 = newCrowdTransport(t, nil), newCrowdTransport(t, h2c(false))
	c.inProcess = inProcess{g.Wrap(http.HandlerFunc(c.site))}
	return c
}

// newCrowdTransport returns a transport with connections that visitors share.
func newCrowdTransport(t *testing.T, protocols *http.Protocols) http.RoundTripper {
	transport := &http.Transport{Protocols: protocols, MaxIdleConnsPerHost: 100, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// inProcess calls a handler without a connection.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (res *http.Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("handler: %v", v)
		}
	}()
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.1:4711", r.URL.Host
	w := httptest.NewRecorder()
	p.ServeHTTP(w, in)
	return w.Result(), nil
}

// invite makes n visitors, and returns the account that they sign in with.
func (c *crowd) invite(n int) *wechat.Client {
	var people []wechattest.Visitor
	for i := range n {
		people = append(people, wechattest.Visitor{ID: fmt.Sprintf("v%02d", i)})
	}
	wx, err := wechattest.NewServerConfig(wechattest.Config{Visitors: people})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(wx.Close)
	c.openIDs = map[string]string{"nobody": ""}
	for _, p := range people {
		v := &crowdVisitor{crowd: c, name: p.ID, openID: wx.OpenID(wechattest.StockAppID, p.ID)}
		c.openIDs[v.name] = v.openID
		c.visitors = append(c.visitors, v)
	}
	return &wechat.Client{
		AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, APIURL: wx.URL, OpenURL: wx.URL,
	}
}

// serve starts a server of the site and returns its URL.
func (c *crowd) serve(protocols *http.Protocols) string {
	site := httptest.NewUnstartedServer(http.HandlerFunc(c.site))
	site.Config.Protocols = protocols
	site.Start()
	c.t.Cleanup(site.Close)
	return site.URL
}

// login signs a visitor in and returns the session cookie.
func (c *crowd) login(ctx context.Context, v *crowdVisitor) string {
	jar, _ := cookiejar.New(nil) // never fails
	b := &wechattest.Browser{Visitor: v.name, Transport: c.http1, Jar: jar}
	page, err := b.Open(ctx, c.url+"/_wx/login?return_to=/p/"+v.name+"/welcome")
	for range 20 {
		busy := err == nil && page.Status == http.StatusServiceUnavailable // Redis takes longer than a visitor waits
		// http.Transport may give a request the deadline of another one on its connection.
		if !busy && !errors.Is(err, context.DeadlineExceeded) {
			break
		}
		page, err = b.Open(ctx, c.url+"/_wx/login?return_to=/p/"+v.name+"/welcome")
	}
	if err != nil {
		c.wrong("login of %s: %v", v.name, err)
	} else if page.Status != http.StatusOK || page.Body != siteAnswer(v.openID, "welcome", "") {
		c.wrong("login of %s ends with %d %.60q", v.name, page.Status, page.Body)
	}
	for _, cookie := range jar.Cookies(mustURL(c.t, c.url)) {
		if cookie.Name == "wxgate" {
			return cookie.Name + "=" + cookie.Value
		}
	}
	c.wrong("login of %s sets no cookie", v.name)
	return ""
}

// wrong reports a mistake, of many the first ones.
func (c *crowd) wrong(format string, args ...any) {
	if c.wrongs.Add(1) <= 20 {
		c.t.Errorf(format, args...)
	}
}

// siteAnswer is the site's answer to a visitor, the last part of the path and a body.
func siteAnswer(openID, path, body string) string {
	return openID + "\n" + path + "\n" + body + strings.Repeat(path, 5)
}

// site checks whose a request is and answers it, in two parts.
func (c *crowd) site(w http.ResponseWriter, r *http.Request) {
	c.hits.Add(1)
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/h2"), "/") // "", "p", name, rest
	openID, known := c.openIDs[path[2]]
	if !known {
		c.wrong("the site got %s", r.URL.Path)
	}
	c.checkIdentity(r, openID)
	if path[3] == "ws" {
		c.chat(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	answer := siteAnswer(strings.Join(r.Header["X-Wx-Openid"], ", "), path[3], string(body))
	half := len(answer) / 2
	io.WriteString(w, answer[:half])
	if path[3][0] == '0' || path[3][0] == '8' { // some are cut in the middle
		http.NewResponseController(w).Flush()
		time.Sleep(time.Millisecond)
	}
	io.WriteString(w, answer[half:])
}

// chat sends each message back after the openid.
func (c *crowd) chat(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // its visitor has broken it off
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		conn.Write(r.Context(), kind, append([]byte(r.Header.Get("X-WX-OpenID")+" "), message...))
	}
}

// checkIdentity checks that a request has exactly the identity of openID, which is
// empty for nobody.
func (c *crowd) checkIdentity(r *http.Request, openID string) {
	var want []string
	if openID != "" {
		want = []string{"X-Wx-Openid: " + openID}
	}
	if got := hasPrefixFold(r.Header, "x-wx-openid"); !slices.Equal(got, want) {
		c.wrong("%s %s reached the site with %q, want %q", r.Proto, r.URL.Path, got, want)
	}
	if id, ok := gateway.IdentityFrom(r.Context()); ok && id.OpenID != openID {
		c.wrong("%s has the identity %q in its context, want %q", r.URL.Path, id.OpenID, openID)
	}
	if got := assertedIn(r.Header.Get("X-WX-Assertion")); got != openID {
		c.wrong("%s %s reached the site with an assertion about %q, want %q", r.Proto, r.URL.Path, got, openID)
	}
	if cookie := r.Header.Get("Cookie"); strings.Contains(cookie, "wxgate") {
		c.wrong("%s %s reached the site with a session cookie", r.Proto, r.URL.Path)
	}
}

// assertedIn returns whom an assertion is about; "" without an assertion.
func assertedIn(assertion string) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return assertion
	}
	var claims struct{ Sub string }
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return assertion
	}
	return claims.Sub
}

// Write is the log. It checks that the access lines call each visitor by one name.
func (c *crowd) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		var entry struct{ Message, Path, User string }
		if !bytes.Contains(line, []byte(`"path":"/p/`)) {
			continue
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			return 0, err
		}
		if entry.Message != "request" || entry.User == "" {
			continue
		}
		name := strings.Split(entry.Path, "/")[2]
		c.mu.Lock()
		former, known := c.users[name]
		c.users[name] = entry.User
		c.mu.Unlock()
		if known && former != entry.User {
			c.wrong("access lines call %s %q and %q", name, former, entry.User)
		}
	}
	return len(lines), nil
}
