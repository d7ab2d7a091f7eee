package faults_test

import (
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// startService starts a balancer of connections in front of gateways, as a Service
// of Kubernetes is: a new connection goes to the next gateway that is ready, one
// that is open stays where it is.
func startService(t *testing.T, listen string, gateways []*gateway) {
	t.Helper()
	l, err := net.Listen("tcp", listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &balancer{gateways: gateways, ready: make([]bool, len(gateways))}
	s.look()
	go func() {
		for t.Context().Err() == nil {
			time.Sleep(100 * time.Millisecond)
			s.look()
		}
	}()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.connect(conn)
		}
	}()
}

// A balancer is a service that runs.
type balancer struct {
	gateways []*gateway

	mu    sync.Mutex
	ready []bool
	next  int
}

// look asks all gateways whether they are ready.
func (s *balancer) look() {
	for i, g := range s.gateways {
		ready := g.ready() == http.StatusOK
		s.mu.Lock()
		s.ready[i] = ready
		s.mu.Unlock()
	}
}

// choose returns the address of the next gateway that is ready.
func (s *balancer) choose() (address string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range s.gateways {
		s.next = (s.next + 1) % len(s.gateways)
		if s.ready[s.next] {
			return s.gateways[s.next].address, true
		}
	}
	return "", false
}

// connect joins a connection with one to a gateway, until both directions end.
func (s *balancer) connect(client net.Conn) {
	defer client.Close()
	address, ok := s.choose()
	if !ok {
		return
	}
	gateway, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer gateway.Close()
	var both sync.WaitGroup
	both.Go(func() { copyAll(gateway, client) })
	both.Go(func() { copyAll(client, gateway) })
	both.Wait()
}

func copyAll(to, from net.Conn) {
	io.Copy(to, from)
	to.(*net.TCPConn).CloseWrite()
}
