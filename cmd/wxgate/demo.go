package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/cmd/wxgate/internal/samplesite"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// demoShutdown is how long open requests may keep a developer's Ctrl-C waiting.
const demoShutdown = time.Second

// demo runs the gateway, the WeChat emulator and a sample site in one process.
func demo(c *call) error {
	flags := c.flags("demo")
	address := flags.String("listen", "127.0.0.1:8080", "`address` to listen on")
	upstream := flags.String("upstream", "", "`URL` of your own development server, instead of the sample site")
	if err := c.parse(flags); err != nil {
		return err
	}
	listener, origin, err := listenLocally(*address)
	if err != nil {
		return err
	}
	defer listener.Close()
	cfg := gateway.Config{
		PublicURL:  origin,
		CookieKeys: [][]byte{newKey()},
		Logger:     zerolog.New(zerolog.ConsoleWriter{Out: c.stderr}).With().Timestamp().Logger(),
		AccessLog:  true,
	}

	wx, err := wechattest.New(wechattest.Config{PublicURL: origin, ChooseVisitor: true})
	if err != nil {
		return err
	}
	api, apiURL, err := listenLocally("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer api.Close()
	cfg.Account = &wechat.Client{
		AppID:     wechattest.StockAppID,
		AppSecret: wechattest.StockAppSecret,
		APIURL:    apiURL,
		OpenURL:   origin,
	}

	servers := []*server{
		{name: "demo", listener: listener},
		{name: "emulator API", listener: api, http: newHTTPServer(wx, cfg.Logger)},
	}
	if *upstream == "" {
		site, siteURL, err := listenLocally("127.0.0.1:0")
		if err != nil {
			return err
		}
		defer site.Close()
		servers = append(servers, &server{name: "sample site", listener: site, http: newHTTPServer(samplesite.Handler(), cfg.Logger)})
		*upstream = siteURL
		cfg.PublicPaths = samplesite.PublicPaths()
	}
	var upstreams config.Upstreams
	if err := upstreams.UnmarshalText([]byte(*upstream)); err != nil {
		return usageError{fmt.Errorf("--upstream: %w", err)}
	}
	for _, u := range upstreams {
		cfg.Upstreams = append(cfg.Upstreams, gateway.Upstream{Prefix: u.Prefix, URL: u.URL})
	}
	g, err := gateway.New(cfg)
	if err != nil {
		return err
	}
	servers[0].http = newHTTPServer(atOrigin(origin, beside(g, wx)), cfg.Logger)
	return runServers(cfg.Logger, servers, shutdown{timeout: demoShutdown}, func() {
		fmt.Fprintf(c.stdout, "Open %s and sign in as one of the emulator's visitors.\nThe emulator's dashboard: %s%s\n", origin, origin, wechattest.ControlPath)
	})
}

// beside puts the emulator's pages on the gateway's address, so that the demo
// needs one port. A real WeChat is another host, of course.
func beside(g *gateway.Gateway, wx http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isEmulatorPage(r.URL.Path) {
			wx.ServeHTTP(w, r)
			return
		}
		g.ServeHTTP(w, r)
	})
}

// isEmulatorPage reports whether a browser asks the emulator for p: the pages
// of a login, the pictures on them, and the dashboard.
func isEmulatorPage(p string) bool {
	return strings.HasPrefix(p, "/connect/") || strings.HasPrefix(p, "/mmopen/") || strings.HasPrefix(p, wechattest.ControlPath)
}

// atOrigin sends page loads under another name of this machine ("localhost"
// for 127.0.0.1) to origin, where the cookies are.
func atOrigin(origin string, next http.Handler) http.Handler {
	host := strings.TrimPrefix(origin, "http://")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != host && r.Method == http.MethodGet && strings.HasPrefix(r.RequestURI, "/") && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Location", origin+r.RequestURI)
			w.WriteHeader(http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// listenLocally opens a listener and returns the origin at which a browser on
// this machine reaches it.
func listenLocally(address string) (net.Listener, string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("--listen: %w", err)
	}
	return listener, originOf(listener.Addr().(*net.TCPAddr)), nil
}

// originOf is the origin of an address as browsers write it: without the port
// that http has by itself.
func originOf(at *net.TCPAddr) string {
	host := at.IP.String()
	if at.IP.IsUnspecified() {
		host = "localhost"
	}
	address := net.JoinHostPort(host, strconv.Itoa(at.Port))
	return "http://" + strings.TrimSuffix(address, ":80")
}
