package main

import (
	"context"
	"net/http"
)

var checkMode = mode{
	name:      "check",
	about:     "Forward-auth checks of a request with a session, compared with a handler that does nothing.",
	measures:  requestMeasures,
	reference: "empty",
	run: func(b *bench, ctx context.Context, rounds int) error {
		trusting := variant{environ: []string{"WXGATE_TRUSTED_PROXIES=127.0.0.0/8"}}
		p := plan{targets: append([]target{b.reference("empty", "empty")}, b.gateways(trusting)...)}
		p.targets = append(p.targets, b.externals()...)
		p.targets = append(p.targets, b.reference("empty, again", "empty"))
		p.trials = []trial{{"GET", func(ctx context.Context, s *server) (values, error) {
			return b.send(ctx, s, b.checkLoad(s))
		}}}
		return p.run(ctx, rounds, b.record)
	},
}

// checkLoad returns the requests that a proxy in front sends about a visitor's request.
func (b *bench) checkLoad(s *server) load {
	path := checkPath
	if s.path != "" {
		path = "" // of a further server: its URL has the whole path
	}
	request := s.request("GET", path, "", s.cookie,
		"X-Forwarded-Method: GET\r\n",
		"X-Forwarded-Proto: http\r\n",
		"X-Forwarded-Host: "+s.host+"\r\n",
		"X-Forwarded-Uri: /shop/items?item=1024\r\n",
		"X-Forwarded-For: 192.0.2.1\r\n")
	return b.load(request, expected{status: http.StatusOK, bytes: -1, header: "X-Wx-Openid", openID: s.openID})
}
