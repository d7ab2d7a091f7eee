package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

var streamMode = mode{
	name:  "stream",
	about: "One large body through a new process: by how much its peak memory exceeds that before, and what it costs.",
	measures: []measure{
		{"growth", "memory, MiB more"},
		{"cpu", "CPU, s a GiB"},
		{"rate", "MiB a second"},
	},
	reference: "plain",
	slow:      true,
	run: func(b *bench, ctx context.Context, rounds int) error {
		targets := append([]target{b.reference("plain", "plain")}, b.gateways(variant{})...)
		targets = append(targets, b.externals()...)
		p := plan{fresh: true, targets: append(targets, b.reference("plain, again", "plain"))}
		size := fmt.Sprintf("%d MiB", b.streamBytes/mebi)
		p.trials = []trial{
			{"download, " + size, func(ctx context.Context, s *server) (values, error) {
				path := fmt.Sprintf("/bytes/%d", b.streamBytes)
				return b.stream(ctx, s, s.request("GET", path, "", s.cookie), 0, b.streamBytes)
			}},
			{"upload, " + size, func(ctx context.Context, s *server) (values, error) {
				length := fmt.Sprintf("Content-Length: %d\r\n", b.streamBytes)
				return b.stream(ctx, s, s.request("POST", "/bytes/1", "", s.cookie, length), b.streamBytes, 1)
			}},
		}
		return p.run(ctx, rounds, b.record)
	},
}

// stream measures one request whose head is given, with a body of so many bytes.
func (b *bench) stream(ctx context.Context, s *server, head []byte, up, down int64) (values, error) {
	warmUp := proxyCases()[0].load(b, s)
	if err := warmUp.keeping(ctx, s, func(*clients) error { return nil }); err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(stuck))
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var before memory
	if len(s.pids) > 0 {
		if err := resetPeak(s.pids); err != nil {
			return nil, err
		}
		if before, err = memoryOf(s.pids); err != nil {
			return nil, err
		}
	}
	total, err := s.watch(ctx, func() error {
		if err := send(conn, head, up); err != nil {
			return err
		}
		want := expected{status: http.StatusOK, bytes: down, header: "X-Bench-Openid", openID: s.openID}
		return want.read(bufio.NewReaderSize(conn, readerBytes))
	})
	if err != nil {
		return nil, err
	}
	const gibi = 1 << 30
	v := values{"rate": float64(up+down) / mebi / total["seconds"]}
	if len(s.pids) > 0 {
		after, err := memoryOf(s.pids)
		if err != nil {
			return nil, err
		}
		v["cpu"] = total["cpu"] * gibi / float64(up+down)
		v["growth"] = (after.peak - before.now) / mebi
	}
	return v, nil
}

// send writes the head of a request and a body of zeros.
func send(conn net.Conn, head []byte, body int64) error {
	if _, err := conn.Write(head); err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for body > 0 {
		n, err := conn.Write(zeros[:min(body, int64(len(zeros)))])
		if err != nil {
			return fmt.Errorf("send body: %w", err)
		}
		body -= int64(n)
	}
	return nil
}
