package main

import (
	"context"
	"net"
	"net/http"
	"net/netip"
)

// atLoopback returns the address at which this machine reaches a listener.
func atLoopback(host, port string) string {
	switch ip, err := netip.ParseAddr(host); {
	case host == "", err == nil && ip.Unmap() == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}

// getHere asks a server on this machine. It is no [http.Client], which would follow
// redirects, and takes no proxy.
func getHere(ctx context.Context, address string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	return transport.RoundTrip(r)
}
