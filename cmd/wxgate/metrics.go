package main

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/origin"
)

// newRegistry returns a registry with the metrics of Go, of the process and of the
// build.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "wxgate_build_info", Help: "The versions of wxgate and of Go, as labels; always 1.",
			ConstLabels: prometheus.Labels{"version": buildVersion(), "goversion": runtime.Version()},
		}, func() float64 { return 1 }),
	)
	return registry
}

// severalSites reports whether counters have the label site.
func severalSites(c *config.Config) bool { return len(c.Sites) > 1 }

// relaySite returns the label site of the relay's counter; empty: it has none.
func relaySite(c *config.Config) string {
	if severalSites(c) {
		return gateway.NoSite
	}
	return ""
}

// observeWeChat registers the metrics of the calls of WeChat's API, and returns what
// counts them for each site.
func observeWeChat(c *config.Config, registry prometheus.Registerer) (observers, error) {
	if !severalSites(c) {
		observe, err := gateway.ObserveWeChat(registry)
		return func(*config.Config) observer { return observe }, err
	}
	of, err := gateway.ObserveWeChatBySite(registry)
	if err != nil {
		return nil, err
	}
	bySite := make(map[*config.Config]observer)
	for _, site := range sitesOf(c) {
		bySite[site] = of(origin.Canonical(site.PublicURL.Host))
	}
	if c.RelayListen != "" {
		bySite[c] = of(gateway.NoSite) // the relay's account
	}
	return func(site *config.Config) observer { return bySite[site] }, nil
}
