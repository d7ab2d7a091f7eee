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
	"github.com/wxgate/wxgate/session"
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
	logger := zerolog.New(zerolog.ConsoleWriter{Out: c.stderr}).With().Timestamp().Logger()
	site := gateway.Site{
		PublicURL:    origin,
		CookieKeys:   session.Keys{newKey()},
		KeepFragment: true, // such sites often use hash routers
	}

	official := wechattest.StockAccount()
	official.CallbackDomains = []string{"*"} // a phone asks for this machine by an address of its network
	official.JSDomains = official.CallbackDomains
	wx, err := wechattest.New(wechattest.Config{
		Accounts:      []wechattest.Account{official},
		PublicURL:     origin,
		ChooseVisitor: true,
	})
	if err != nil {
		return err
	}
	api, apiURL, err := listenLocally("127.0.0.1:0")
	if err != nil {
		return err
	}
	defer api.Close()
	site.Account = &wechat.Client{
		AppID:     wechattest.StockAppID,
		AppSecret: wechattest.StockAppSecret,
		APIURL:    apiURL,
		OpenURL:   origin,
	}
	site.Tickets = &wechat.TicketSource{Tokens: &wechat.TokenSource{Client: site.Account}}

	servers := []*server{
		{name: "demo", listener: listener},
		{name: "emulator API", listener: api, service: newHTTPServer(wx, logger)},
	}
	if *upstream == "" {
		sample, sampleURL, err := listenLocally("127.0.0.1:0")
		if err != nil {
			return err
		}
		defer sample.Close()
		servers = append(servers, &server{name: "sample site", listener: sample, service: newHTTPServer(samplesite.Handler(), logger)})
		*upstream = sampleURL
		site.PublicPaths = samplesite.PublicPaths()
	}
	var upstreams config.Upstreams
	if err := upstreams.UnmarshalText([]byte(*upstream)); err != nil {
		return usageError{fmt.Errorf("--upstream: %w", err)}
	}
	for _, u := range upstreams {
		site.Upstreams = append(site.Upstreams, gateway.Upstream{Prefix: u.Prefix, URL: u.URL})
	}
	fronts := &fronts{site: site, logger: logger, emulator: wx, origin: origin, byHost: make(map[string]http.Handler)}
	if _, err := fronts.at(strings.TrimPrefix(origin, "http://")); err != nil {
		return err
	}
	servers[0].service = newHTTPServer(fronts, logger)
	return runServers(logger, servers, shutdown{timeout: demoShutdown}, func() {
		fmt.Fprintf(c.stdout, "Open %[1]s and sign in as one of the emulator's visitors.\nTo be somebody else: %[1]s/_wx/logout\nThe emulator's dashboard: %[1]s%[2]s\n", origin, wechattest.ControlPath)
	})
}

// listenLocally opens a listener and returns the origin at which a browser on
// this machine reaches it.
func listenLocally(address string) (net.Listener, string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("--listen: %w; try another port, such as --listen 127.0.0.1:8088", err)
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
