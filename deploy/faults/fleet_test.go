package faults_test

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// cookieKey is the key of every gateway.
const cookieKey = "pN1oO8hS8dA0mYb0yQm3V2oXh5m0Jt1mX7f6s2kq9Zc="

// A store is where the gateways of a fleet keep sessions.
type store struct {
	name    string
	environ []string
}

// cookieStore is the store that needs nothing beside the gateways.
func cookieStore() store { return store{name: "cookie"} }

// A front is what balances the gateways of a fleet.
type front string

const (
	nginxAlone   front = "nginx"             // knows all gateways, and tries another if one fails
	service      front = "service"           // see startService
	nginxService front = "nginx and service" // nginx knows only the service, as an ingress does
)

// options say what a fleet consists of. The zero value is one gateway that keeps
// sessions in cookies, and twenty visitors.
type options struct {
	gateways int   // default 1
	front    front // in front of the gateways; default: none
	visitors int   // default 20
	store    store // default cookieStore
	environ  []string
	tls      *certificate // of the gateway; nil: plain HTTP
	logs     *os.File     // stdout of the gateways instead of the fleet's log
	redirect string       // of the gateways' stdout, in the form of a shell, such as >&-
	memory   int64        // largest resident memory of a gateway; default 200 MiB
}

// A fleet is a site with its visitors, the gateways in front of it, and WeChat.
// Toxics can be put on the way to WeChat and to the site.
type fleet struct {
	t         *testing.T
	options   options
	wx        *wechattest.Server
	site      *site
	toWeChat  *route
	toSite    *route
	gateways  []*gateway
	origin    string // where visitors find the site
	visitors  []*visitor
	transport *http.Transport
	seen      cookieLog
	log       output // stdout and stderr of all gateways
}

// newFleet starts a fleet and signs its visitors in.
func newFleet(t *testing.T, o options) *fleet {
	t.Helper()
	o.gateways = cmp.Or(o.gateways, 1)
	o.visitors = cmp.Or(o.visitors, 20)
	o.memory = cmp.Or(o.memory, 200<<20)
	if o.store.name == "" {
		o.store = cookieStore()
	}
	f := &fleet{t: t, options: o, wx: wechattest.NewServer(), site: newSite(t)}
	t.Cleanup(f.wx.Close)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the gateways, shortened:\n%s", shortened(f.log.String()))
		}
	})
	f.transport = newTransport(t, o.tls)
	f.toWeChat = newRoute(t, strings.TrimPrefix(f.wx.URL, "http://"))
	f.toSite = newRoute(t, f.site.address)
	address := freeAddress(t)
	f.origin = "http://" + address
	if o.tls != nil {
		f.origin = "https://" + address
	}
	for i := range o.gateways {
		own := address
		if o.front != "" {
			own = freeAddress(t)
		}
		f.gateways = append(f.gateways, f.newGateway(i, own))
	}
	for _, g := range f.gateways {
		g.start()
	}
	for _, g := range f.gateways {
		g.waitReady()
	}
	f.startFront(address)
	for i := range o.visitors {
		f.visitors = append(f.visitors, f.newVisitor(fmt.Sprintf("visitor%03d", i)))
	}
	for _, v := range f.visitors {
		v.signIn()
	}
	f.site.forget()
	return f
}

// startFront starts what is in front of the gateways at an address.
func (f *fleet) startFront(address string) {
	f.t.Helper()
	switch f.options.front {
	case nginxAlone:
		var addresses []string
		for _, g := range f.gateways {
			addresses = append(addresses, g.address)
		}
		startNginx(f.t, address, addresses...)
	case service:
		startService(f.t, address, f.gateways)
	case nginxService:
		inner := freeAddress(f.t)
		startService(f.t, inner, f.gateways)
		startNginx(f.t, address, inner)
	}
}

// newTransport returns a transport that keeps connections open. It trusts the
// certificate of the gateways.
func newTransport(t *testing.T, c *certificate) *http.Transport {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	if c != nil {
		pool := x509.NewCertPool()
		pool.AddCert(c.authority)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// A gateway is one replica. It keeps its addresses when it is started again.
type gateway struct {
	*process
	fleet   *fleet
	name    string
	address string
	admin   string
	environ []string
}

func (f *fleet) newGateway(i int, address string) *gateway {
	g := &gateway{fleet: f, name: fmt.Sprintf("gateway %d", i), address: address, admin: freeAddress(f.t)}
	g.environ = append([]string{
		"WXGATE_APP_ID=" + wechattest.StockAppID,
		"WXGATE_APP_SECRET=" + wechattest.StockAppSecret,
		"WXGATE_COOKIE_KEYS=" + cookieKey,
		"WXGATE_UPSTREAM=http://" + f.toSite.address,
		"WXGATE_PUBLIC_URL=" + f.origin,
		"WXGATE_LISTEN=" + address,
		"WXGATE_ADMIN_LISTEN=" + g.admin,
		"WXGATE_WECHAT_API_URL=http://" + f.toWeChat.address,
		"WXGATE_WECHAT_OPEN_URL=" + f.wx.URL,
		"WXGATE_TRUSTED_PROXIES=127.0.0.1",
		"WXGATE_DRAIN_DELAY=1s",
		"WXGATE_SHUTDOWN_TIMEOUT=5s",
		"WXGATE_LOGIN_RATE=0",
	}, f.options.store.environ...)
	if c := f.options.tls; c != nil {
		g.environ = append(g.environ, "WXGATE_TLS_CERT_FILE="+c.certFile, "WXGATE_TLS_KEY_FILE="+c.keyFile)
	}
	g.environ = append(g.environ, f.options.environ...)
	return g
}

// start runs the gateway, again if it has ended.
func (g *gateway) start() {
	g.fleet.t.Helper()
	var stdout io.Writer = &g.fleet.log
	if g.fleet.options.logs != nil {
		stdout = g.fleet.options.logs
	}
	command := []string{program}
	if redirect := g.fleet.options.redirect; redirect != "" {
		command = []string{"/bin/sh", "-c", `exec "$0" ` + redirect, program}
	}
	g.process = startProcess(g.fleet.t, g.environ, stdout, &g.fleet.log, command...)
	g.process.name = g.name
}

// waitReady waits until the gateway says that it is ready.
func (g *gateway) waitReady() {
	g.fleet.t.Helper()
	eventually(g.fleet.t, g.name+" is ready", func() bool {
		if !g.running() {
			g.fleet.t.Fatalf("%s ended: %v\n%s", g.name, g.exit(), shortened(g.fleet.log.String()))
		}
		return g.ready() == http.StatusOK
	})
}

// ready returns the status of the gateway's readiness; 0 if it does not answer.
func (g *gateway) ready() int {
	status, _ := g.ask("/readyz")
	return status
}

// ask sends a request to the admin listener.
func (g *gateway) ask(path string) (status int, body string) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + g.admin + path)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// shortened returns the ends of a long log.
func shortened(log string) string {
	const most = 3000
	if len(log) <= 2*most {
		return log
	}
	return log[:most] + "\n…\n" + log[len(log)-most:]
}

// during runs a load while fault runs, and for a moment before and after it. It
// returns what the visitors saw.
func (f *fleet) during(fault func()) *tally {
	f.t.Helper()
	return f.duringLoad(loadOptions{}, fault)
}

func (f *fleet) duringLoad(o loadOptions, fault func()) *tally {
	f.t.Helper()
	l := f.startLoad(o)
	time.Sleep(calm)
	fault()
	time.Sleep(calm)
	return l.stop()
}

// calm is how long the load runs before and after a fault.
const calm = 400 * time.Millisecond
