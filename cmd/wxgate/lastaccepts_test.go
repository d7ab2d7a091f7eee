package main

import (
	"errors"
	"net"
	"testing"
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
		if err := inner.(*net.TCPListener).SetDeadline(time.Now()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("stop has not closed the listener: %v", err)
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
