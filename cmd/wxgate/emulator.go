package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// newEmulator returns the command emulator.
func newEmulator(inv *invocation) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "emulator [--listen ADDRESS]",
		Short: "run the WeChat emulator alone",
		Long: `Runs an emulator of WeChat, for a gateway or an SDK of your own that it lets sign in without
an account. It prints the variables that make wxgate use it, for you to paste in a shell,
and the address of its dashboard. It reads no variable. Ctrl-C ends it.`,
		Example: `wxgate emulator
wxgate emulator --listen 0.0.0.0:8081`,
		Annotations: map[string]string{exitCodes: "0 a signal ended it; 1 it could not listen; 2 the arguments are wrong"},
		Args:        noArguments,
	}
	address := cmd.Flags().String("listen", "127.0.0.1:8081", "`ADDRESS` to listen on")
	cmd.RunE = func(*cobra.Command, []string) error { return emulator(inv, *address) }
	return cmd
}

// emulator runs the WeChat emulator alone.
func emulator(inv *invocation, address string) error {
	listener, origin, err := listenLocally(address)
	if err != nil {
		return err
	}
	defer listener.Close()
	wx, err := wechattest.New(wechattest.Config{PublicURL: origin})
	if err != nil {
		return err
	}
	logger := zerolog.New(zerolog.ConsoleWriter{Out: inv.stderr}).Level(zerolog.WarnLevel).With().Timestamp().Logger()
	logLibraries(logger)
	service := newHTTPServer(guardEmulator(wx), logger, demoStall)
	servers := []*server{{name: "emulator", listener: listener, service: service, stall: demoStall}}
	return runServers(logger, servers, shutdown{timeout: demoShutdown}, func() {
		fmt.Fprintf(inv.stdout, `WeChat emulator: %[1]s
Dashboard:       %[1]s%[2]s

WXGATE_WECHAT_API_URL=%[1]s
WXGATE_WECHAT_OPEN_URL=%[1]s
WXGATE_APP_ID=%[3]s
WXGATE_APP_SECRET=%[4]s
`, origin, wechattest.ControlPath, wechattest.StockAppID, wechattest.StockAppSecret)
	})
}

// guardEmulator refuses what only the page of a foreign site would send: requests
// for the control API under a public host, which may point to this machine (DNS
// rebinding), and cross-origin requests for WeChat's API and for the buttons of the
// pages. The address of any page may lead to the authorize pages.
func guardEmulator(wx http.Handler) http.Handler {
	foreign := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		post := *r
		if isWeChatAPI(r.URL.Path) {
			post.Method = http.MethodPost // Check lets every GET pass
		}
		switch {
		case strings.HasPrefix(r.URL.Path, wechattest.ControlPath) && !namesThisMachine(r.Host):
			http.Error(w, "open the emulator by its IP address or as localhost", http.StatusMisdirectedRequest)
		case foreign.Check(&post) != nil:
			http.Error(w, "the emulator does not respond to the page of another site", http.StatusForbidden)
		default:
			wx.ServeHTTP(w, r)
		}
	})
}

// isWeChatAPI reports whether path is one that servers call, or else a page.
func isWeChatAPI(path string) bool {
	return strings.HasPrefix(path, "/sns/") || strings.HasPrefix(path, "/cgi-bin/")
}
