package main

import (
	"fmt"
	"io"
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

const (
	// demoShutdown is how long open requests may delay the end after Ctrl-C.
	demoShutdown = time.Second
	// demoStall is how long a client of the demo or of the emulator may stall.
	demoStall = time.Minute
	// anyPort is an address for servers that only the demo itself calls.
	anyPort = "127.0.0.1:0"
)

// demo runs the gateway, the WeChat emulator and a sample site in one process.
func demo(inv *invocation) error {
	flags := inv.flags("demo")
	address := flags.String("listen", "127.0.0.1:8080", "`address` to listen on")
	upstream := flags.String("upstream", "", "`URL` of your own development server, instead of the sample site")
	if err := inv.parse(flags); err != nil {
		return err
	}
	listener, origin, err := listenLocally(*address)
	if err != nil {
		return err
	}
	defer listener.Close()
	api, apiURL, err := listenLocally(anyPort)
	if err != nil {
		return err
	}
	defer api.Close()
	wx, err := newDemoEmulator()
	if err != nil {
		return err
	}
	logger := zerolog.New(zerolog.ConsoleWriter{Out: inv.stderr}).With().Timestamp().Logger()
	logLibraries(logger)
	site := demoSite(origin, apiURL)
	servers := []*server{
		{name: "demo", listener: listener, stall: demoStall},
		{name: "emulator API", listener: api, stall: demoStall,
			service: newHTTPServer(guardEmulator(wx), logger, demoStall)},
	}
	if *upstream == "" {
		sample, sampleURL, err := listenLocally(anyPort)
		if err != nil {
			return err
		}
		defer sample.Close()
		service := newHTTPServer(samplesite.Handler(), logger, demoStall)
		servers = append(servers, &server{name: "sample site", listener: sample, service: service, stall: demoStall})
		*upstream = sampleURL
		site.PublicPaths = samplesite.PublicPaths()
	}
	if site.Upstreams, err = parseUpstreams(*upstream); err != nil {
		return usageError{fmt.Errorf("--upstream: %w", err)}
	}
	hosts, err := newDemoHosts(site, origin, guardEmulator(wx), logger)
	if err != nil {
		return err
	}
	servers[0].service, servers[0].upgraded = newHTTPServer(hosts, logger, demoStall), hosts.Shutdown
	return runServers(logger, servers, shutdown{timeout: demoShutdown}, func() {
		printDemo(inv.stdout, origin)
	})
}

// newDemoEmulator returns an emulator that asks which visitor signs in.
func newDemoEmulator() (http.Handler, error) {
	return wechattest.New(wechattest.Config{Accounts: demoAccounts(), ChooseVisitor: true})
}

// demoSite returns a site at origin, without upstreams, with the emulator's
// account.
func demoSite(origin, apiURL string) gateway.Site {
	account := &wechat.Client{
		AppID:     wechattest.StockAppID,
		AppSecret: wechattest.StockAppSecret,
		APIURL:    apiURL,
		OpenURL:   origin,
	}
	return gateway.Site{
		PublicURL:    origin,
		Account:      account,
		Tickets:      &wechat.TicketSource{Tokens: &wechat.TokenSource{Client: account}},
		CookieKeys:   session.Keys{newKey()},
		KeepFragment: true, // many sites under development use a hash router
	}
}

// parseUpstreams parses a list in the form of WXGATE_UPSTREAM.
func parseUpstreams(text string) ([]gateway.Upstream, error) {
	var list config.Upstreams
	if err := list.UnmarshalText([]byte(text)); err != nil {
		return nil, err
	}
	return upstreamsOf(list), nil
}

// printDemo prints what a developer can open.
func printDemo(w io.Writer, origin string) {
	fmt.Fprintf(w, "Open %[1]s and sign in as one of the emulator's visitors.\n"+
		"To sign in as someone else: %[1]s/_wx/logout\n"+
		"The emulator's dashboard: %[1]s%[2]s\n", origin, wechattest.ControlPath)
	printDemoWays(w, origin)
}

// listenLocally opens a listener at the address of --listen and returns the origin
// at which a browser on this machine reaches it.
func listenLocally(address string) (net.Listener, string, error) {
	if err := config.ListenAddress(address); err != nil {
		return nil, "", usageError{fmt.Errorf("--listen %q: %w", address, err)}
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, "", fmt.Errorf("--listen: %w; try another port, such as --listen 127.0.0.1:8088", err)
	}
	return listener, originOf(listener.Addr().(*net.TCPAddr)), nil
}

// originOf returns the http origin of an address as browsers write it: without
// the default port.
func originOf(at *net.TCPAddr) string {
	host := at.IP.String()
	if at.IP.IsUnspecified() {
		host = "localhost"
	}
	address := net.JoinHostPort(host, strconv.Itoa(at.Port))
	return "http://" + strings.TrimSuffix(address, ":80")
}
