package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// emulator runs the WeChat emulator alone.
func emulator(c *call) error {
	flags := c.flags("emulator")
	address := flags.String("listen", "127.0.0.1:8081", "`address` to listen on")
	if err := c.parse(flags); err != nil {
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
	logger := zerolog.Nop()
	servers := []*server{{name: "emulator", listener: listener, service: newHTTPServer(guardControl(wx), logger)}}
	return runServers(logger, servers, shutdown{timeout: demoShutdown}, func() {
		fmt.Fprintf(c.stdout, `WeChat emulator: %[1]s
Dashboard:       %[1]s%[2]s

WXGATE_WECHAT_API_URL=%[1]s
WXGATE_WECHAT_OPEN_URL=%[1]s
WXGATE_APP_ID=%[3]s
WXGATE_APP_SECRET=%[4]s
`, origin, wechattest.ControlPath, wechattest.StockAppID, wechattest.StockAppSecret)
	})
}

// guardControl keeps the control API from pages of other sites: a domain that
// its owner makes point here would be of the same origin, and could read and
// steer whatever this machine reaches.
func guardControl(wx http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, wechattest.ControlPath) && !namesThisMachine(r.Host) {
			http.Error(w, "open the emulator by its IP address or as localhost", http.StatusMisdirectedRequest)
			return
		}
		wx.ServeHTTP(w, r)
	})
}
