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
		Annotations: exits("0 a signal ended it; 1 it could not listen; 2 the arguments are wrong"),
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
	logger := zerolog.New(newConsole(inv.stderr, inv.environ)).Level(zerolog.WarnLevel).With().Timestamp().Logger()
	logLibraries(logger)
	service := newHTTPServer(guardEmulator(wx), logger, demoStall)
	servers := []*server{{name: "emulator", listener: listener, service: service, stall: demoStall}}
	return runServers(logger, servers, shutdown{timeout: demoShutdown}, func() {
		fmt.Fprintf(inv.stdout, "WeChat emulator: %[1]s\nDashboard:       %[1]s%[2]s\n\n%[3]s",
			origin, wechattest.ControlPath, emulatorVariables(origin))
	})
}

// emulatorVariables returns lines for a shell that make a wxgate started from it use
// the emulator at origin. They end what would be mixed with that: a secret in a file,
// a hub, and accounts of several sites.
func emulatorVariables(origin string) string {
	var b strings.Builder
	b.WriteString("# To use it, paste these lines in the shell of your wxgate:\n" +
		"unset WXGATE_APP_SECRET_FILE WXGATE_QR_APP_SECRET_FILE\n" +
		"unset WXGATE_HUB_URL WXGATE_HUB_SITES WXGATE_HUB_KEY WXGATE_HUB_KEY_FILE\n" +
		`for name in $(env | sed -n 's/^\(WXGATE_SITES_[0-9A-Z_]*\)=.*/\1/p'); do unset "$name"; done` + "\n")
	for _, v := range [][2]string{
		{"WECHAT_API_URL", origin},
		{"WECHAT_OPEN_URL", origin},
		{"APP_ID", wechattest.StockAppID},
		{"APP_SECRET", wechattest.StockAppSecret},
		{"QR_APP_ID", wechattest.StockWebsiteAppID},
		{"QR_APP_SECRET", wechattest.StockWebsiteAppSecret},
	} {
		fmt.Fprintf(&b, "export WXGATE_%s=%s\n", v[0], quotedForShell(v[1]))
	}
	return b.String()
}

// quotedForShell returns text as one word of a POSIX shell.
func quotedForShell(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
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
