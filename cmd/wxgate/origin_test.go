package main

import (
	"net"
	"testing"
)

func TestOriginOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		host string
		port int
		want string
	}{
		{"127.0.0.1", 8080, "http://127.0.0.1:8080"},
		{"127.0.0.1", 80, "http://127.0.0.1"},
		{"127.0.0.1", 8180, "http://127.0.0.1:8180"},
		{"::1", 8080, "http://[::1]:8080"},
		{"::1", 80, "http://[::1]"},
		{"::80", 443, "http://[::80]:443"},
		{"0.0.0.0", 8080, "http://localhost:8080"},
		{"::", 80, "http://localhost"},
	} {
		if got := originOf(&net.TCPAddr{IP: net.ParseIP(test.host), Port: test.port}); got != test.want {
			t.Errorf("originOf(%s, port %d) = %q, want %q", test.host, test.port, got, test.want)
		}
	}
}
