package faults_test

import (
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// A route is a TCP proxy on the way to a service. Toxics damage what passes.
type route struct {
	t       *testing.T
	proxy   *toxiproxy.Proxy
	address string // where the proxy listens
}

func newRoute(t *testing.T, service string) *route {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	r := &route{t: t, proxy: toxiproxy.NewProxy(server, service, "127.0.0.1:0", service)}
	r.open()
	r.address = r.proxy.Listen
	t.Cleanup(r.shut)
	return r
}

// shut refuses connections and closes those that are open.
func (r *route) shut() { r.proxy.Stop() }

// open accepts connections again.
func (r *route) open() {
	r.t.Helper()
	if err := r.proxy.Start(); err != nil {
		r.t.Fatal(err)
	}
}

// damage adds a toxic, in toxiproxy's JSON.
func (r *route) damage(toxic string) {
	r.t.Helper()
	if _, err := r.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		r.t.Fatal(err)
	}
}

// repair removes all toxics.
func (r *route) repair() { r.proxy.Toxics.ResetToxics(r.t.Context()) }
