package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// emulator runs the WeChat emulator alone.
func emulator(inv *invocation) error {
	flags := inv.flags("emulator")
	address := flags.String("listen", "127.0.0.1:8081", "`address` to listen on")
	if err := inv.parse(flags); err != nil {
		return err
	}
	listener, origin, err := listenLocally(*address)
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
	servers := []*server{{name: "emulator", listener: listener, service: newHTTPServer(guardControl(wx), logger)}}
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

// guardControl refuses requests for the control API under a foreign domain. Such
// a domain may point to this machine (DNS rebinding): its pages would then have
// the emulator's origin, and could read its state and control it.
func guardControl(wx http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, wechattest.ControlPath) && !namesThisMachine(r.Host) {
			http.Error(w, "open the emulator by its IP address or as localhost", http.StatusMisdirectedRequest)
			return
		}
		wx.ServeHTTP(w, r)
	})
}
