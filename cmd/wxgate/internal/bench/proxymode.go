package main

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

var proxyMode = mode{
	name:      "proxy",
	about:     "Requests through the proxy: 64 connections, 1 KiB responses, access log on.",
	measures:  requestMeasures,
	reference: "plain",
	run: func(b *bench, ctx context.Context, rounds int) error {
		p := plan{targets: b.proxies()}
		for _, c := range b.proxyCases() {
			p.trials = append(p.trials, trial{c.name, func(ctx context.Context, s *server) (values, error) {
				return b.send(ctx, s, c.load(b, s))
			}})
		}
		return p.run(ctx, rounds, b.record)
	},
}

// proxies returns wxgate and what it is compared with.
func (b *bench) proxies() []target {
	list := append([]target{b.reference("plain", "plain")}, b.gateways(variant{})...)
	list = append(list, b.externals()...)
	return append(list, b.reference("naive", "naive"), b.reference("plain, again", "plain"))
}

// A proxyCase is a kind of request.
type proxyCase struct {
	name         string
	method, path string
	body         string
	lines        string // further header lines
	public       bool   // without the cookie
	status       int
	bytes        int64 // of the response
	share        int   // one of so many requests is sent; 0: all
}

func proxyCases() []proxyCase {
	const kib = 1 << 10
	small, large := strings.Repeat("x", 4*kib), strings.Repeat("x", kib*kib)
	return []proxyCase{
		{name: "GET", method: "GET", path: "/bytes/1024", bytes: kib},
		{name: "GET, public path", method: "GET", path: "/public/bytes/1024", public: true, bytes: kib},
		{name: "POST 4 KiB", method: "POST", path: "/bytes/1024", body: small, lines: length(small), bytes: kib},
		{name: "POST 4 KiB, chunked", method: "POST", path: "/chunked/1024", body: chunks(4 * kib),
			lines: "Transfer-Encoding: chunked\r\n", bytes: kib},
		{name: "GET, range", method: "GET", path: "/ranges/65536", lines: "Range: bytes=1024-2047\r\n",
			status: http.StatusPartialContent, bytes: kib},
		{name: "GET 1 MiB", method: "GET", path: "/bytes/1048576", bytes: kib * kib, share: 20},
		{name: "POST 1 MiB", method: "POST", path: "/bytes/1024", body: large,
			lines: length(large), bytes: kib, share: 20},
	}
}

// proxyCases returns the cases that the command line chooses.
func (o options) proxyCases() []proxyCase {
	return slices.DeleteFunc(proxyCases(), func(c proxyCase) bool {
		return len(o.cases) > 0 && !slices.Contains(o.cases, c.name)
	})
}

// load returns the load of the case for a server.
func (c proxyCase) load(b *bench, s *server) load {
	want := expected{status: http.StatusOK, bytes: c.bytes, header: "X-Bench-Openid"}
	if c.status != 0 {
		want.status = c.status
	}
	cookie := ""
	if !c.public {
		cookie, want.openID = s.cookie, s.openID
	}
	l := b.load(s.request(c.method, c.path, c.body, cookie, c.lines), want)
	if c.share > 0 {
		l.requests, l.warm = max(1, l.requests/c.share), l.warm/c.share
	}
	return l
}
