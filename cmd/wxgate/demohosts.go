package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// demoHosts is the demo's handler. It makes a gateway for each host under which
// browsers reach this machine (localhost, 127.0.0.1, its address for a phone on
// the same network), because browsers keep cookies by host. Each host also serves
// the emulator's pages, so that the demo needs only one port.
type demoHosts struct {
	site     gateway.Site // of every gateway, except PublicURL and Account.OpenURL
	logger   zerolog.Logger
	emulator http.Handler
	origin   string // where browsers at any other host are redirected to

	mu       sync.Mutex
	byHost   map[string]http.Handler
	gateways []*gateway.Gateway
}

// maxDemoHosts limits the number of gateways.
const maxDemoHosts = 16

// newDemoHosts returns the handler with a gateway at origin.
func newDemoHosts(site gateway.Site, origin string, emulator http.Handler, logger zerolog.Logger) (*demoHosts, error) {
	d := &demoHosts{
		site:     site,
		logger:   logger,
		emulator: emulator,
		origin:   origin,
		byHost:   make(map[string]http.Handler),
	}
	_, err := d.handler(strings.TrimPrefix(origin, "http://"))
	return d, err
}

// ServeHTTP implements [http.Handler].
func (d *demoHosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, err := d.handler(r.Host)
	if err != nil {
		d.logger.Error().Err(err).Str("host", r.Host).Msg("no gateway for this host")
		http.Error(w, "demo: no gateway for this host", http.StatusInternalServerError)
		return
	}
	handler.ServeHTTP(w, r)
}

// Shutdown ends the WebSockets of all gateways.
func (d *demoHosts) Shutdown(ctx context.Context) error {
	d.mu.Lock()
	gateways := slices.Clone(d.gateways)
	d.mu.Unlock()
	errs := make([]error, len(gateways))
	var ending sync.WaitGroup
	for i, g := range gateways {
		ending.Go(func() { errs[i] = g.Shutdown(ctx) })
	}
	ending.Wait()
	return errors.Join(errs...)
}

// handler returns the handler for a host, a name or address with or without port.
func (d *demoHosts) handler(host string) (http.Handler, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if handler, ok := d.byHost[host]; ok {
		return handler, nil
	}
	_, err := origin.Parse("http://" + host) // a browser may send a dot at the end
	if err != nil || !namesThisMachine(host) || len(d.byHost) == maxDemoHosts {
		return http.HandlerFunc(d.redirect), nil
	}
	handler, err := d.newHandler("http://" + host)
	if err != nil {
		return nil, err
	}
	d.byHost[host] = handler
	return handler, nil
}

// newHandler returns a gateway at origin, with the emulator's pages.
func (d *demoHosts) newHandler(origin string) (http.Handler, error) {
	site, account := d.site, d.site.Account
	site.PublicURL = origin
	site.Account = &wechat.Client{
		AppID:     account.AppID,
		AppSecret: account.AppSecret,
		APIURL:    account.APIURL,
		OpenURL:   origin,
	}
	site = demoWay(site, origin)
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{site}, Logger: d.logger, AccessLog: true})
	if err != nil {
		return nil, err
	}
	d.gateways = append(d.gateways, g)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isEmulatorPage(r.URL.Path) {
			d.emulator.ServeHTTP(w, r)
			return
		}
		g.ServeHTTP(w, r)
	}), nil
}

// redirect sends a page load to the demo's origin. It refuses all other requests:
// the host may be a foreign site's, whose owner makes it point to this machine.
func (d *demoHosts) redirect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.HasPrefix(r.RequestURI, "/") || r.Header.Get("Upgrade") != "" {
		http.Error(w, "open "+d.origin, http.StatusMisdirectedRequest)
		return
	}
	w.Header().Set("Location", d.origin+r.RequestURI)
	w.WriteHeader(http.StatusFound)
}

// namesThisMachine reports whether a host may be a developer's machine: one for which
// [origin.IsPrivate] is true, or one under .test or .localhost, which are reserved.
// The domain of a foreign site is none of these.
func namesThisMachine(host string) bool {
	name := origin.Canonical(host)
	reserved := strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".localhost")
	return origin.IsPrivate(host) || reserved && origin.IsHostname(name)
}

// isEmulatorPage reports whether path is one of the emulator's pages for
// browsers: the authorize pages, the avatars on them, or the dashboard.
func isEmulatorPage(path string) bool {
	return strings.HasPrefix(path, "/connect/") ||
		strings.HasPrefix(path, "/mmopen/") ||
		strings.HasPrefix(path, wechattest.ControlPath)
}
