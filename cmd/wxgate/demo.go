package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/cmd/wxgate/internal/samplesite"
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

// newDemo returns the command demo.
func newDemo(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo [--listen ADDRESS] [--upstream URL]",
		Short: "run gateway, WeChat emulator and a sample site in one process",
		Long: `Runs the gateway, the WeChat emulator and a sample site in one process, without an account,
and prints the address to open. Ctrl-C ends it.

WXGATE_PUBLIC_PATHS and the other variables of ` + "`wxgate serve`" + ` that say how visitors sign in,
who gets in and what is logged work here too. The demo sets the account, the addresses and
the keys, and names in one line those variables of the environment that it ignores.`,
		Example: `wxgate demo
wxgate demo --upstream http://127.0.0.1:3000
WXGATE_OUTSIDE_WECHAT=page wxgate demo --listen 127.0.0.1:8088`,
		Annotations: exits("0 a signal ended it; 1 it could not listen; 2 the arguments or the variables are wrong"),
		Args:        noArguments,
	}
	address := cmd.Flags().String("listen", "127.0.0.1:8080", "`ADDRESS` to listen on")
	upstream := cmd.Flags().String("upstream", "", "`URL` of your own development server, instead of the sample site")
	cmd.RunE = func(*cobra.Command, []string) error { return demo(inv, *address, *upstream) }
	return cmd
}

// demo runs the gateway, the WeChat emulator and a sample site in one process.
func demo(inv *invocation, address, upstream string) error {
	upstreams, err := demoUpstreams(upstream)
	if err != nil {
		return err
	}
	cfg, ignored, err := demoConfig(inv.environ, upstream != "")
	if err != nil {
		return err
	}
	listener, origin, err := listenLocally(address)
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
	logger := demoLogger(inv, cfg)
	servers := []*server{
		{name: "demo", listener: listener, stall: cfg.StallTimeout},
		{name: "emulator API", listener: api, stall: demoStall,
			service: newHTTPServer(guardEmulator(wx), logger, demoStall)},
	}
	public := cfg.PublicPaths
	if upstream == "" {
		sample, sampleURL, err := listenLocally(anyPort)
		if err != nil {
			return err
		}
		defer sample.Close()
		service := newHTTPServer(samplesite.Handler(), logger, demoStall)
		servers = append(servers, &server{name: "sample site", listener: sample, service: service, stall: demoStall})
		if upstreams, err = demoUpstreams(sampleURL); err != nil {
			return err
		}
		public = slices.Concat(public, samplesite.PublicPaths())
	}
	cfg.Upstream, cfg.PublicPaths, cfg.WeChatAPIURL = upstreams, public, config.BaseURL(apiURL)
	hosts, err := newDemoHosts(cfg, origin, guardEmulator(wx), logger)
	if err != nil {
		return err
	}
	servers[0].service, servers[0].upgraded = newHTTPServer(hosts, logger, cfg.StallTimeout), hosts.Shutdown
	servers[0].background = []func(context.Context){hosts.Run}
	return runServers(logger, servers, shutdown{timeout: demoShutdown}, func() {
		printDemo(inv.stdout, origin, cfg.Prefix, append(ignoredLine(ignored), nothingAnswers(upstreams)...))
	})
}

// demoLogger returns the demo's logger: it writes to stderr, as stdout has the addresses
// for people.
func demoLogger(inv *invocation, cfg *config.Config) zerolog.Logger {
	w := inv.stderr
	if cfg.LogFormat == consoleFormat {
		w = newConsole(w, inv.environ)
	}
	logger := zerolog.New(w).Level(cfg.LogLevel).With().Timestamp().Logger()
	logLibraries(logger)
	return logger
}

// newDemoEmulator returns an emulator that asks which visitor signs in.
func newDemoEmulator() (http.Handler, error) {
	return wechattest.New(wechattest.Config{Accounts: demoAccounts(), ChooseVisitor: true})
}

// demoUpstreams parses the value of --upstream; none if it is empty.
func demoUpstreams(text string) (config.Upstreams, error) {
	if text == "" {
		return nil, nil
	}
	var list config.Upstreams
	if err := list.UnmarshalText([]byte(text)); err != nil {
		return nil, usageError{fmt.Errorf("--upstream%s: %w", shownURL(text), err)}
	}
	return list, nil
}

// shownURL returns a URL of the command line for an error, after a space; nothing if it may
// hold a password.
func shownURL(text string) string {
	if strings.Contains(text, "@") {
		return ""
	}
	return " " + shown(text)
}

// nothingAnswers returns a line about the upstreams that accept no connection.
func nothingAnswers(upstreams config.Upstreams) []string {
	away := make([]string, len(upstreams))
	var dialing sync.WaitGroup
	for i, u := range upstreams {
		dialing.Go(func() {
			network, address := config.DialAddress(u.URL)
			conn, err := net.DialTimeout(network, address, time.Second)
			if err != nil {
				away[i] = u.URL.String()
				return
			}
			conn.Close()
		})
	}
	dialing.Wait()
	away = slices.DeleteFunc(away, func(address string) bool { return address == "" })
	if len(away) == 0 {
		return nil
	}
	return []string{"Nothing answers at " + strings.Join(away, ", ") + " yet: start your development server."}
}

// printDemo prints the lines, then what a developer can open.
func printDemo(w io.Writer, origin, prefix string, lines []string) {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line + "\n")
	}
	fmt.Fprintf(w, "%[4]sOpen %[1]s and sign in as one of the emulator's visitors.\n"+
		"To sign in as someone else: %[1]s%[3]s/logout\n"+
		"The emulator's dashboard: %[1]s%[2]s\n", origin, wechattest.ControlPath, prefix, text.String())
	printDemoWays(w, origin)
}

// listenLocally opens a listener at the address of --listen and returns the origin
// at which a browser on this machine reaches it.
func listenLocally(address string) (net.Listener, string, error) {
	if err := config.ListenAddress(address); err != nil {
		return nil, "", usageError{fmt.Errorf("--listen %s: %w", shown(address), err)}
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
