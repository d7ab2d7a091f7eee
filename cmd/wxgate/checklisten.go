package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// checkListen opens and closes each address that wxgate is to listen on.
func checkListen(ctx context.Context, report *report, c *config.Config) {
	all := c.Listens()
	for _, variable := range slices.Sorted(maps.Keys(all)) {
		var listen net.ListenConfig
		listener, err := listen.Listen(ctx, "tcp", all[variable])
		if err == nil {
			listener.Close()
			report.pass("listen", variable+" "+all[variable]+" is free")
			continue
		}
		taken := errors.Is(err, syscall.EADDRINUSE)
		if taken && isRunning(ctx, c) {
			report.note("listen", variable+" "+all[variable]+" is taken, and a wxgate runs here; "+
				"hint: this is right if it is the one that you check")
			continue
		}
		report.fail("listen", variable+": "+err.Error(), listenHint(err, taken))
	}
}

// listenHint returns what an operator can do about an error of a listener.
func listenHint(err error, taken bool) string {
	switch {
	case taken:
		return "another process has this address: end it, or choose another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine has no such address: use one that it has, or only a port, such as :8080, for all"
	case errors.Is(err, syscall.EACCES):
		return "use a port from 1024 on, or give the process the capability CAP_NET_BIND_SERVICE"
	default:
		return "correct the address"
	}
}

// isRunning reports whether a wxgate with this configuration answers on this machine:
// by its metrics, or, without an admin listener, by an endpoint of its own.
func isRunning(ctx context.Context, c *config.Config) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout/10)
	defer cancel()
	if c.AdminListen != "" {
		return answers(ctx, c.AdminListen, "/metrics", "wxgate_build_info")
	}
	return answers(ctx, c.Listen, c.Prefix+"/me", `"request_id"`)
}

// answers reports whether the answer of a listener for a path holds a text.
func answers(ctx context.Context, listen, path, text string) bool {
	host, port, _ := net.SplitHostPort(listen)
	res, err := getHere(ctx, "http://"+atLoopback(host, port)+path)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	const most = 1 << 20
	body, _ := io.ReadAll(io.LimitReader(res.Body, most)) // what has come is enough
	return strings.Contains(string(body), text)
}
