package main

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// fronts is the demo's handler: a gateway for each name under which browsers
// reach this machine ("localhost", 127.0.0.1, the address that a phone on the
// same network uses), because cookies are kept by host name. The emulator's
// pages stand beside each gateway, so that the demo needs one port; a real
// WeChat is another host, of course.
type fronts struct {
	site     gateway.Site // of every gateway, but for what depends on the host
	logger   zerolog.Logger
	emulator http.Handler
	origin   string // where browsers under any other name are sent

	mu     sync.Mutex
	byHost map[string]http.Handler
}

// maxFronts bounds the names of this machine.
const maxFronts = 16

// ServeHTTP implements [http.Handler].
func (f *fronts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	front, err := f.at(r.Host)
	if err != nil {
		f.logger.Error().Err(err).Msg("no gateway for this host")
		http.Error(w, "demo: no gateway for this host", http.StatusInternalServerError)
		return
	}
	front.ServeHTTP(w, r)
}

// at returns the handler for a host, as the Host header names it.
func (f *fronts) at(host string) (http.Handler, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if front, ok := f.byHost[host]; ok {
		return front, nil
	}
	if !namesThisMachine(host) || len(f.byHost) == maxFronts {
		return http.HandlerFunc(f.lead), nil
	}
	front, err := f.make("http://" + host)
	if err != nil {
		return nil, err
	}
	f.byHost[host] = front
	return front, nil
}

// make returns a gateway at origin with the emulator's pages beside it.
func (f *fronts) make(origin string) (http.Handler, error) {
	site, account := f.site, f.site.Account
	site.PublicURL = origin
	site.Account = &wechat.Client{AppID: account.AppID, AppSecret: account.AppSecret, APIURL: account.APIURL, OpenURL: origin}
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{site}, Logger: f.logger, AccessLog: true})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isEmulatorPage(r.URL.Path) {
			f.emulator.ServeHTTP(w, r)
			return
		}
		g.ServeHTTP(w, r)
	}), nil
}

// lead sends a page load to the address that the demo printed. Whatever else a
// foreign name asks for is refused: it may be another site's that points here.
func (f *fronts) lead(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.HasPrefix(r.RequestURI, "/") || r.Header.Get("Upgrade") != "" {
		http.Error(w, "open "+f.origin, http.StatusMisdirectedRequest)
		return
	}
	w.Header().Set("Location", f.origin+r.RequestURI)
	w.WriteHeader(http.StatusFound)
}

// namesThisMachine reports whether a host is an IP address or a name without a
// dot (localhost, or a container's on its network), which no other site's
// domain can be made to be.
func namesThisMachine(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	_, err = netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil || !strings.Contains(name, ".")
}

// isEmulatorPage reports whether a browser asks the emulator for p: the pages
// of a login, the pictures on them, and the dashboard.
func isEmulatorPage(p string) bool {
	return strings.HasPrefix(p, "/connect/") || strings.HasPrefix(p, "/mmopen/") || strings.HasPrefix(p, wechattest.ControlPath)
}
