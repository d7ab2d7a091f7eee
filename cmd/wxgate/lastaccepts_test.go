package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// Connections that wait to be accepted when a listener stops are accepted still.
func TestStopAcceptsWhatWaits(t *testing.T) {
	t.Parallel()
	for _, waiting := range []int{0, 1, 50} {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l := newLastAccepts(inner)
		for range waiting {
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		stopping := make(chan struct{})
		go func() {
			defer close(stopping)
			l.stop(t.Context())
		}()
		for l.stopAt.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		accepted := make(chan int, 1)
		go func() {
			n := 0
			for {
				conn, err := l.Accept()
				if err != nil {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("Accept fails with %v, want net.ErrClosed", err)
					}
					accepted <- n
					return
				}
				conn.Close()
				n++
			}
		}()
		<-stopping
		if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
			t.Error("stop has not closed the listener")
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v", err)
		}
		if n := <-accepted; n != waiting {
			t.Errorf("%d of %d waiting connections are accepted", n, waiting)
		}
	}
}

// A server that waits for connections notices the stop.
func TestStopWakesAccept(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLastAccepts(inner)
	failed := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		failed <- err
	}()
	l.stop(t.Context())
	l.Close()
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept fails with %v, want net.ErrClosed", err)
	}
}

// The shutdown waits for the first request of new connections, but not long for one
// that sends none.
func TestSettle(t *testing.T) {
	t.Parallel()
	first, second := new(net.TCPConn), new(net.TCPConn)
	for _, tt := range []struct {
		name    string
		active  map[net.Conn]time.Duration // when a request arrives; -1: the connection closes at once
		fresh   []net.Conn
		timeout time.Duration
		want    time.Duration
	}{
		{"none", nil, nil, time.Hour, 10 * time.Millisecond},
		{"a request", map[net.Conn]time.Duration{first: 95 * time.Millisecond}, []net.Conn{first}, time.Hour, 110 * time.Millisecond},
		{"two", map[net.Conn]time.Duration{first: 0, second: 95 * time.Millisecond}, []net.Conn{first, second}, time.Hour, 110 * time.Millisecond},
		{"no request", nil, []net.Conn{first}, time.Hour, lastTime},
		{"no time", nil, []net.Conn{first}, 100 * time.Millisecond, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDraining(http.NotFoundHandler())
				for _, c := range tt.fresh {
					d.connState(c, http.StateNew)
				}
				for c, when := range tt.active {
					time.AfterFunc(when, func() { d.connState(c, http.StateActive) })
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				begin := time.Now()
				d.settle(ctx)
				if took := time.Since(begin); took != tt.want {
					t.Errorf("settle takes %v, want %v", took, tt.want)
				}
			})
		})
	}
}
