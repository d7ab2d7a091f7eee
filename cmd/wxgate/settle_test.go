package main

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// The shutdown waits for the first request of new connections, but not long for one
// that sends none: that is closed.
func TestSettle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		arrive  []time.Duration // when the request of each connection arrives; -1: never
		timeout time.Duration
		want    time.Duration
	}{
		{"no connections", nil, time.Hour, 10 * time.Millisecond},
		{"a request", []time.Duration{95 * time.Millisecond}, time.Hour, 110 * time.Millisecond},
		{"two requests", []time.Duration{0, 95 * time.Millisecond}, time.Hour, 110 * time.Millisecond},
		{"no request", []time.Duration{-1, 0}, time.Hour, time.Second},
		{"no time", []time.Duration{-1, time.Second}, 100 * time.Millisecond, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDraining(http.NotFoundHandler())
				clients := make([]net.Conn, len(tt.arrive))
				for i, when := range tt.arrive {
					client, server := net.Pipe()
					defer client.Close()
					clients[i] = client
					d.connState(server, http.StateNew)
					if when >= 0 {
						time.AfterFunc(when, func() { d.connState(server, http.StateActive) })
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				begin := time.Now()
				d.settle(ctx)
				if took := time.Since(begin); took != tt.want {
					t.Errorf("settle takes %v, want %v", took, tt.want)
				}
				for i, when := range tt.arrive {
					clients[i].SetReadDeadline(time.Now())
					_, err := clients[i].Read(make([]byte, 1))
					timeout, ok := err.(net.Error)
					open := ok && timeout.Timeout()
					if arrived := when >= 0 && when < tt.want; open != arrived {
						t.Errorf("connection %d is open: %t (%v), want %t", i, open, err, arrived)
					}
				}
				time.Sleep(time.Hour) // of the bubble: the timers end
			})
		})
	}
}
