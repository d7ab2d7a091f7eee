package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// A target is a server that is measured.
type target struct {
	name  string
	start func(context.Context) (*server, error) // returns when it responds
}

// startAll starts the targets. If one fails, it stops the others.
func startAll(ctx context.Context, targets []target) (servers []*server, err error) {
	for _, t := range targets {
		s, err := t.start(ctx)
		if err != nil {
			stopAll(servers)
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		s.target = t.name
		servers = append(servers, s)
	}
	return servers, nil
}

func stopAll(servers []*server) {
	for _, s := range servers {
		s.stop()
	}
}

// reference returns a target that runs a role of the command reference. Its requests
// have the cookie of a session that it does not know.
func (b *bench) reference(name, role string) target {
	return target{name, func(ctx context.Context) (*server, error) {
		s, err := b.startReference(ctx, role)
		if err == nil {
			s.cookie = b.cookie
		}
		return s, err
	}}
}

func (b *bench) startReference(ctx context.Context, role string) (*server, error) {
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(); err != nil {
			return nil, err
		}
	}
	if role == "upstream" && b.options.upstream != "" {
		addresses[0] = b.options.upstream
	}
	args := []string{role, addresses[0], addresses[1], "http://" + b.upstream}
	p, err := b.spawn(ctx, role, b.program("reference"), args, nil)
	if err != nil {
		return nil, err
	}
	s := &server{
		address: addresses[0], host: addresses[0], admin: addresses[1], process: p, pids: []int{p.cmd.Process.Pid},
	}
	s.startup, err = p.ready(ctx, s.address, s.request("GET", "/public/bytes/1", ""))
	if err != nil {
		p.stop()
		return nil, err
	}
	return s, nil
}

// An external target is one that runs already.
type external struct {
	name   string
	url    *url.URL
	header string
}

// parseExternal parses NAME=URL.
func parseExternal(text string) (external, error) {
	name, address, found := strings.Cut(text, "=")
	u, err := url.Parse(address)
	switch {
	case !found || name == "":
		return external{}, fmt.Errorf("%q: expected NAME=URL", text)
	case err != nil:
		return external{}, err
	case u.Scheme != "http" || u.Host == "":
		return external{}, fmt.Errorf("%q: expected a URL that begins with http://", text)
	}
	return external{name: name, url: u}, nil
}

// externals returns the targets that run already.
func (b *bench) externals() (list []target) {
	for _, e := range b.options.targets {
		list = append(list, target{e.name, func(context.Context) (*server, error) { return e.server() }})
	}
	return list
}

// server returns the target as a server. Its processor time and memory are known if it
// listens on this machine.
func (e external) server() (*server, error) {
	port := e.url.Port()
	if port == "" {
		port = "80"
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	s := &server{
		address: net.JoinHostPort(e.url.Hostname(), port),
		host:    e.url.Host,
		path:    strings.TrimSuffix(e.url.RequestURI(), "/"),
		header:  e.header,
	}
	if address, err := net.ResolveTCPAddr("tcp", s.address); err != nil || !isLocal(address.IP) {
		return s, err
	}
	s.pids, err = listeners(number)
	return s, err
}

// isLocal reports whether an address is one of this machine.
func isLocal(ip net.IP) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return ip.IsLoopback()
}
