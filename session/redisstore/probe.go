package redisstore

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

// probeTimeout is how long [Probe] waits for a connection or an answer: longer than
// the gateway, to tell a slow server from one that is down.
const probeTimeout = 3 * time.Second

// Report is what [Probe] found out about Redis. Its errors hold no password; for
// each, [Hint] returns what to do about it.
type Report struct {
	// Servers are the servers that hold the data: the only one, the master, or the
	// masters of the cluster.
	Servers []Server
	// Sentinels is how many sentinels know the master.
	Sentinels int
	// Silent are the errors of sentinels and nodes that Redis works without.
	Silent []error
	// Open is whether Redis lets in those who give no password, although the
	// address has one.
	Open bool
	// CertificateEnd is when the first certificate of a server ends; zero without
	// TLS.
	CertificateEnd time.Time
	// Write, Script and Publish are why wxgate cannot keep a value, run a script, or
	// hear its own message; nil: it can.
	Write, Script, Publish error
	// Latency is the median time of a round trip.
	Latency time.Duration
	// Connecting is the longest time that a connection took, with TLS.
	Connecting time.Duration
}

// Slow reports whether connections take so long that the gateway may give up.
func (r *Report) Slow() bool { return r.Connecting > dialTimeout/2 }

// Server is what [Probe] found out about one server.
type Server struct {
	Address string
	Version string // empty: not known
	Replica bool   // it takes no writes
	RESP3   bool
	// NoTracking is why client-side caching does not work; nil: it does.
	NoTracking error
	// EvictionPolicy is the server's maxmemory-policy; empty: the user may not ask.
	EvictionPolicy string
}

// Probe connects to Redis as the gateway does and tries what the gateway needs. It
// writes and deletes one key that begins with wxgate:check:, and publishes one
// message, "check", which gateways ignore. An error means that Redis cannot be used
// at all: [Hint] returns what to do about it, and its text holds no password.
func Probe(ctx context.Context, a Address, cas *x509.CertPool) (*Report, error) {
	p := &prober{address: a, cas: cas, report: new(Report)}
	p.begins = make(map[string]string)
	if err := p.run(ctx); err != nil {
		return nil, a.sealed(err)
	}
	p.seal()
	p.report.CertificateEnd, p.report.Connecting = p.end, p.slowest
	return p.report, nil
}

// A prober is one call of [Probe].
type prober struct {
	address Address
	cas     *x509.CertPool
	report  *Report
	peeks
}

func (p *prober) run(ctx context.Context) error {
	masters, err := p.masters(ctx)
	if err != nil {
		return err
	}
	cached := true
	for _, address := range masters {
		server, err := p.server(ctx, address)
		if err != nil {
			return err
		}
		cached = cached && server.NoTracking == nil
		p.report.Servers = append(p.report.Servers, server)
	}
	p.report.Open = p.open(ctx, masters[0])
	if p.address.Kind == Single && p.report.Servers[0].Replica {
		return nil // it takes no writes
	}
	client, err := p.client(ctx, cached)
	if err != nil {
		return err
	}
	defer client.Close()
	p.try(ctx, client)
	return nil
}

// seal removes passwords from the errors of the report.
func (p *prober) seal() {
	r := p.report
	for i, err := range r.Silent {
		r.Silent[i] = p.address.sealed(err)
	}
	for i := range r.Servers {
		r.Servers[i].NoTracking = p.address.sealed(r.Servers[i].NoTracking)
	}
	r.Write, r.Script, r.Publish = p.address.sealed(r.Write), p.address.sealed(r.Script), p.address.sealed(r.Publish)
}

// client returns the client that the gateway uses.
func (p *prober) client(ctx context.Context, cached bool) (rueidis.Client, error) {
	option := p.address.option(p.cas)
	option.DisableCache = !cached
	return p.connect(ctx, p.address.Hosts[0], option)
}

// connect opens a client. The error is about the server with the address, unless the
// client has several.
func (p *prober) connect(ctx context.Context, address string, option rueidis.ClientOption) (rueidis.Client, error) {
	option.DialCtxFn, option.DisableRetry = p.dial, true
	option.Dialer.Timeout, option.Sentinel.Dialer.Timeout = probeTimeout, probeTimeout
	option.ConnWriteTimeout = probeTimeout
	client, err := rueidis.NewClient(option)
	if err == nil {
		return client, nil
	}
	if client != nil {
		client.Close()
	}
	return nil, p.explain(ctx, address, err)
}

// about puts the address of one of several servers before an error about it.
func (p *prober) about(address string, err error) error {
	switch p.address.Kind {
	case Sentinel:
		return fmt.Errorf("%s, which the sentinels call the master: %w", address, err)
	case Cluster:
		return fmt.Errorf("%s, which the cluster calls a master: %w", address, err)
	default:
		return err
	}
}

// one returns the option for a client of one server that holds data.
func (p *prober) one(address string) rueidis.ClientOption {
	option := p.address.option(p.cas)
	option.InitAddress, option.ForceSingleClient = []string{address}, true
	option.Sentinel = rueidis.SentinelOption{}
	return option
}

// open reports whether the server takes commands of those who give no password.
func (p *prober) open(ctx context.Context, address string) bool {
	if p.address.Password == "" {
		return false
	}
	option := p.one(address)
	option.Username, option.Password, option.DisableCache = "", "", true
	client, err := p.connect(ctx, address, option)
	if err != nil {
		return false
	}
	defer client.Close()
	return client.Do(ctx, client.B().Ping().Build()).Error() == nil
}
