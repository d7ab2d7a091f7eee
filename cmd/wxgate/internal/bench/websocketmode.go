package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

var webSocketMode = mode{
	name: "websocket",
	about: "Resident memory of each idle WebSocket, without what the kernel keeps for its two connections, after " +
		"messages of two sizes.",
	measures:  []measure{{"socket", "KiB a WebSocket"}, {"allocations", "allocations to open it"}},
	reference: "plain",
	slow:      true,
	run: func(b *bench, ctx context.Context, rounds int) error {
		targets := append([]target{b.reference("plain", "plain")}, b.gateways(variant{})...)
		targets = append(targets, b.externals()...)
		p := plan{fresh: true, targets: append(targets, b.reference("plain, again", "plain"))}
		for _, size := range []int{16, 32 << 10} {
			p.trials = append(p.trials, trial{fmt.Sprintf("%d WebSockets, messages of %d bytes", b.webSockets, size),
				func(ctx context.Context, s *server) (values, error) { return b.measureWebSockets(ctx, s, size) }})
		}
		return p.run(ctx, rounds, b.record)
	},
}

// webSocketMessages is the number of messages that each WebSocket sends and gets back.
const webSocketMessages = 3

func (b *bench) measureWebSockets(ctx context.Context, s *server, size int) (values, error) {
	if len(s.pids) == 0 {
		return values{}, nil
	}
	conns := make([]*websocket.Conn, b.webSockets)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.CloseNow()
			}
		}
	}()
	first, err := dialEcho(ctx, s, size) // so that what the first one alone needs does not count
	if err != nil {
		return nil, err
	}
	defer first.CloseNow()
	before, err := b.settled(ctx, s)
	if err != nil {
		return nil, err
	}
	used, err := s.watch(ctx, func() error {
		var group errgroup.Group
		group.SetLimit(dialsAtOnce)
		for i := range conns {
			group.Go(func() (err error) {
				conns[i], err = dialEcho(ctx, s, size)
				return err
			})
		}
		return group.Wait()
	})
	if err != nil {
		return nil, err
	}
	after, err := b.settled(ctx, s)
	if err != nil {
		return nil, err
	}
	v := values{"socket": (after.now - before.now) / 1024 / float64(len(conns))}
	if mallocs, ok := used["mallocs"]; ok {
		v["allocations"] = mallocs / float64(len(conns))
	}
	return v, nil
}

// dialEcho opens a WebSocket and has its messages sent back.
func dialEcho(ctx context.Context, s *server, size int) (*websocket.Conn, error) {
	header := http.Header{}
	for line := range strings.Lines(s.cookie + s.header) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		header.Add(name, value)
	}
	c, res, err := websocket.Dial(ctx, "ws://"+s.address+s.path+"/echo", &websocket.DialOptions{
		Host: s.host, HTTPHeader: header, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	if res.Header.Get("X-Bench-Openid") != s.openID {
		c.CloseNow()
		return nil, errors.New("the upstream did not get the visitor's X-WX-OpenID")
	}
	c.SetReadLimit(int64(size))
	message := bytes.Repeat([]byte("x"), size)
	for range webSocketMessages {
		if err := c.Write(ctx, websocket.MessageText, message); err != nil {
			c.CloseNow()
			return nil, err
		}
		if _, back, err := c.Read(ctx); err != nil || len(back) != size {
			c.CloseNow()
			return nil, fmt.Errorf("echo of %d bytes: %w", len(back), err)
		}
	}
	return c, nil
}
