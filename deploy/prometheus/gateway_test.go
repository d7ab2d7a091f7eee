package prometheus_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// cookieKey is the key of every gateway.
const cookieKey = "pN1oO8hS8dA0mYb0yQm3V2oXh5m0Jt1mX7f6s2kq9Zc="

// exchange is the call for the code of a login.
const exchange = "/sns/oauth2/access_token"

// newWeChat starts the emulator. Its account sends visitors back to every host.
func newWeChat(t *testing.T) *wechattest.Server {
	t.Helper()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	account := wechattest.StockAccount()
	account.CallbackDomains = []string{"*"}
	account.JSDomains = account.CallbackDomains
	if err := wx.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	return wx
}

// newSite starts a site: it has a WebSocket at /socket, and fails at /fail.
func newSite(t *testing.T) string {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fail":
			w.WriteHeader(http.StatusInternalServerError)
		case "/socket":
			if conn, err := websocket.Accept(w, r, nil); err == nil {
				<-conn.CloseRead(r.Context()).Done()
			}
		}
	}))
	t.Cleanup(site.Close)
	return site.URL
}

// newCertificate writes a certificate for 127.0.0.1 and its key. The transport
// trusts it.
func newCertificate(t *testing.T) (certFile, keyFile string, transport *http.Transport) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	pair := server.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certFile = writePEM(t, "CERTIFICATE", pair.Certificate[0])
	keyFile = writePEM(t, "PRIVATE KEY", key)
	return certFile, keyFile, server.Client().Transport.(*http.Transport)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	return writeFile(t, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// common returns the environment that all gateways share.
func common(wx *wechattest.Server, site string) []string {
	return []string{
		"WXGATE_APP_ID=" + wechattest.StockAppID,
		"WXGATE_APP_SECRET=" + wechattest.StockAppSecret,
		"WXGATE_COOKIE_KEYS=" + cookieKey,
		"WXGATE_UPSTREAM=/=" + site + ",/down/=http://127.0.0.1:9", // nothing listens on port 9
		"WXGATE_PUBLIC_PATHS=/static/",
		"WXGATE_API_PATHS=/api/",
		"WXGATE_WECHAT_API_URL=" + wx.URL,
		"WXGATE_WECHAT_OPEN_URL=" + wx.URL,
	}
}

// A client opens pages of a gateway.
type client struct {
	t         *testing.T
	origin    string
	transport http.RoundTripper
	browser   *wechattest.Browser
}

func newClient(t *testing.T, origin string, transport http.RoundTripper) *client {
	return &client{t, origin, transport, &wechattest.Browser{Transport: transport}}
}

// open opens a page, signing in if need be.
func (c *client) open(path string, want int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	page, err := c.browser.Open(ctx, c.origin+path)
	if err != nil || page.Status != want {
		c.t.Fatalf("%s%s: got %+v, %v, want %d", c.origin, path, page, err, want)
	}
}

// newcomer opens a page in a browser without cookies.
func (c *client) newcomer(path string, want int) {
	c.t.Helper()
	newClient(c.t, c.origin, c.transport).open(path, want)
}

// script sends a request as a script does, with the browser's cookies.
func (c *client) script(method, address string, want int) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	res, err := c.browser.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != want {
		c.t.Fatalf("%s %s: %d %s, want %d", method, address, res.StatusCode, body, want)
	}
}

// socket opens a WebSocket of the site, until the end of the test.
func (c *client) socket() {
	c.t.Helper()
	address := strings.Replace(c.origin, "http", "ws", 1) + "/socket"
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: c.transport, Jar: c.browser.Jar}}
	conn, _, err := websocket.Dial(c.t.Context(), address, options)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.CloseNow() })
}

// everything runs a gateway that has everything that has metrics, with one site. It
// returns the metrics before and after some visitors.
func everything(t *testing.T, binary string) (first, second scrape) {
	t.Helper()
	wx, site, redis := newWeChat(t), newSite(t), redistest.Start(t)
	certFile, keyFile, transport := newCertificate(t)
	address := freeAddress(t)
	g := startGateway(t, binary, append(common(wx, site),
		"WXGATE_LISTEN="+address,
		"WXGATE_PUBLIC_URL=https://"+address,
		"WXGATE_TLS_CERT_FILE="+certFile,
		"WXGATE_TLS_KEY_FILE="+keyFile,
		"WXGATE_SESSION_STORE=redis",
		"WXGATE_REDIS_URL="+redis.URL(),
		"WXGATE_DENY_OPENIDS_FILE="+writeFile(t, "oSomebody\n"),
		"WXGATE_JSSDK=true",
		"WXGATE_LOGIN_RATE=20/1h",
		"WXGATE_RELAY_LISTEN=127.0.0.1:0",
		"WXGATE_RELAY_PATHS=GET /cgi-bin/user/info",
	)...)
	first = g.scrape()
	c := newClient(t, "https://"+address, transport)
	c.open("/", 200)
	c.open("/fail", 500)
	c.open("/down/", 502)
	c.newcomer("/static/logo.png", 200)
	c.script("GET", c.origin+"/_wx/jssdk?url="+c.origin+"/", 200)
	newClient(t, c.origin, transport).script("GET", c.origin+"/api/orders", 401)
	c.socket()

	relay := "http://" + g.addrs["relay"]
	plain := newClient(t, relay, http.DefaultTransport)
	plain.relay(relay+"/cgi-bin/user/info?openid="+wx.OpenID(wechattest.StockAppID, "none"), 200)
	plain.relay(relay+"/cgi-bin/menu/get", 403)

	wx.Fault(wechattest.Fault{Path: exchange, Times: -1, Mode: wechattest.FaultErrcode, Code: 40164})
	c.newcomer("/", 502)
	wx.ClearFaults()
	wx.Fault(wechattest.Fault{Path: exchange, Times: -1, Mode: wechattest.FaultErrcode, Code: -1})
	c.newcomer("/", 503)
	wx.ClearFaults()
	for range 20 {
		newClient(t, c.origin, transport).browser.Open(t.Context(), c.origin+"/")
	}
	return first, g.scrapeAfter(`wxgate_http_requests_total{code="429",outcome="error"}`, 1)
}

// relay sends a request to the relay as a program does.
func (c *client) relay(address string, want int) {
	c.t.Helper()
	res, err := http.Get(address)
	if err != nil {
		c.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != want {
		c.t.Fatalf("%s: %d, want %d", address, res.StatusCode, want)
	}
}

// severalSites runs a gateway with two sites and keeps sessions in cookies. It
// returns the metrics before and after some visitors.
func severalSites(t *testing.T, binary string) (first, second scrape) {
	t.Helper()
	wx, site, address := newWeChat(t), newSite(t), freeAddress(t)
	g := startGateway(t, binary, append(common(wx, site),
		"WXGATE_LISTEN="+address,
		"WXGATE_SITES_0_HOSTS=a.example.com",
		"WXGATE_SITES_0_PUBLIC_URL=http://a.example.com",
		"WXGATE_SITES_1_HOSTS=b.example.com",
		"WXGATE_SITES_1_PUBLIC_URL=http://b.example.com",
	)...)
	first = g.scrape()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
		if strings.HasSuffix(at, ".example.com:80") {
			at = address
		}
		return new(net.Dialer).DialContext(ctx, network, at)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	newClient(t, "http://a.example.com", transport).open("/", 200)
	newClient(t, "http://c.example.com", transport).open("/", 421)
	wx.Fault(wechattest.Fault{Path: exchange, Times: -1, Mode: wechattest.FaultErrcode, Code: 40125})
	newClient(t, "http://b.example.com", transport).open("/", 502)
	return first, g.scrapeAfter(`wxgate_http_requests_total{code="502",outcome="error",site="b.example.com"}`, 1)
}
