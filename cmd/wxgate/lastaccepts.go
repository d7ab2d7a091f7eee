package main

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lastTime limits how long connections are still accepted at the end, and how long
// the shutdown then waits for the first request of each: two round trips of a phone
// for TLS, and one for the request.
const lastTime = time.Second

// lastAccepts is a listener that can stop without losing connections that wait to be
// accepted: the kernel resets those when a listener closes, although the clients may
// have sent requests on them.
type lastAccepts struct {
	net.Listener
	stopAt   atomic.Int64 // Unix time in nanoseconds, the latest; 0: it goes on
	stopped  chan struct{}
	closed   chan struct{}
	stopOnce sync.Once
	endOnce  sync.Once
}

func newLastAccepts(l net.Listener) *lastAccepts {
	return &lastAccepts{Listener: l, stopped: make(chan struct{}), closed: make(chan struct{})}
}

// Accept implements [net.Listener].
func (l *lastAccepts) Accept() (net.Conn, error) {
	for {
		if l.stopAt.Load() != 0 && l.ended() {
			<-l.closed // the server ends when it closes the listener
			return nil, net.ErrClosed
		}
		conn, err := l.Listener.Accept()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return conn, err
		}
	}
}

// ended closes the listener and returns true if no connection waits.
func (l *lastAccepts) ended() bool {
	now := time.Now()
	if now.UnixNano() < l.stopAt.Load() && connectionWaits(l.Listener) {
		l.deadline(now.Add(lastTime))
		return false
	}
	l.stopOnce.Do(func() {
		l.Listener.Close()
		close(l.stopped)
	})
	return true
}

// stop closes the listener as soon as no connection waits. It returns then, or a
// moment later if nobody accepts. Accept returns when Close is called.
func (l *lastAccepts) stop(ctx context.Context) {
	now := time.Now()
	l.stopAt.Store(now.Add(lastTime).UnixNano())
	if !l.deadline(now) { // ends the call of Accept that waits
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*lastTime)
	defer cancel()
	select {
	case <-l.stopped:
	case <-ctx.Done():
	}
}

// Close implements [net.Listener].
func (l *lastAccepts) Close() error {
	l.endOnce.Do(func() { close(l.closed) })
	select {
	case <-l.stopped:
		return nil
	default:
		return l.Listener.Close()
	}
}

// deadline lets Accept fail at a time. It returns false if the listener cannot.
func (l *lastAccepts) deadline(at time.Time) bool {
	limited, ok := l.Listener.(interface{ SetDeadline(time.Time) error })
	return ok && limited.SetDeadline(at) == nil
}
