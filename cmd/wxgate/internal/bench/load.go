package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"
)

const (
	slowest     = 60 * time.Second // that the histogram can hold
	precision   = 3                // significant digits of the histogram
	readerBytes = 16 << 10
	stuck       = 30 * time.Minute // at which a load is given up
	dialsAtOnce = 64               // connections that are opened at a time
)

// A load is a fixed number of requests over connections that stay open. Each
// connection sends its next request when it has read the response.
type load struct {
	address     string
	connections int
	warm        int // requests before those that are measured
	requests    int
	request     func(i int) []byte // the request with the number i, from 0; safe for concurrent use
	want        expected
}

// always returns the same request each time.
func always(request []byte) func(int) []byte {
	return func(int) []byte { return request }
}

// newHistogram returns an empty histogram of microseconds.
func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, slowest.Microseconds(), precision)
}

// clients are the open connections of a load.
type clients struct {
	load
	conns []net.Conn

	mu        sync.Mutex // guards latencies
	latencies *hdrhistogram.Histogram
}

// open connects and sends the requests that are not measured, at least one on each
// connection.
func (l load) open(ctx context.Context) (*clients, error) {
	c := &clients{load: l, conns: make([]net.Conn, l.connections)}
	dials, dialCtx := errgroup.WithContext(ctx)
	dials.SetLimit(dialsAtOnce)
	for i := range c.conns {
		dials.Go(func() (err error) {
			c.conns[i], err = new(net.Dialer).DialContext(dialCtx, "tcp", l.address)
			return err
		})
	}
	if err := dials.Wait(); err != nil {
		c.close()
		return nil, err
	}
	if err := c.send(ctx, max(l.warm, l.connections)); err != nil {
		c.close()
		return nil, fmt.Errorf("warm up: %w", err)
	}
	return c, nil
}

func (c *clients) close() {
	for _, conn := range c.conns {
		if conn != nil {
			conn.Close()
		}
	}
}

// send sends n requests and keeps their latencies, in place of those before.
func (c *clients) send(ctx context.Context, n int) error {
	c.latencies = newHistogram()
	ctx, cancel := context.WithTimeout(ctx, stuck)
	defer cancel()
	defer context.AfterFunc(ctx, c.close)()
	var (
		group sync.WaitGroup
		once  sync.Once
		first error
	)
	for i, conn := range c.conns {
		group.Go(func() {
			if err := c.sendOver(conn, i, n); err != nil {
				once.Do(func() {
					first = err
					c.close() // ends the other connections too
				})
			}
		})
	}
	group.Wait()
	return cmp.Or(ctx.Err(), first)
}

// sendOver sends those of n requests that are the connection's part: each whose number
// leaves the remainder first when it is divided by the number of connections.
func (c *clients) sendOver(conn net.Conn, first, n int) error {
	r := bufio.NewReaderSize(conn, readerBytes)
	for i := first; i < n; i += len(c.conns) {
		start := time.Now()
		if _, err := conn.Write(c.request(i)); err != nil {
			return fmt.Errorf("send request: %w", err)
		}
		if err := c.want.read(r); err != nil {
			return err
		}
		took := min(time.Since(start), slowest)
		c.mu.Lock()
		c.latencies.RecordValue(took.Microseconds())
		c.mu.Unlock()
	}
	if r.Buffered() > 0 {
		return errors.New("more was sent than the response")
	}
	return nil
}
