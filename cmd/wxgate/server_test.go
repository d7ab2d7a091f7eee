package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// A pipeListener accepts connections without a network, so that it works in a
// synctest bubble.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	close(l.closed)
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// dialPipe serves handler as the program does and returns a connection to it.
func dialPipe(t *testing.T, handler http.HandlerFunc) net.Conn {
	t.Helper()
	return dialLogged(t, handler, zerolog.Nop())
}

// dialLogged is dialPipe with a logger.
func dialLogged(t *testing.T, handler http.HandlerFunc, logger zerolog.Logger) net.Conn {
	t.Helper()
	l := &pipeListener{make(chan net.Conn), make(chan struct{})}
	s := newHTTPServer(handler, logger, 0)
	go s.Serve(l)
	client, served := net.Pipe()
	l.conns <- served
	t.Cleanup(func() {
		client.Close()
		s.Close()
	})
	return client
}

func TestSlowHeaderEndsTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := dialPipe(t, func(http.ResponseWriter, *http.Request) { t.Error("the handler got half a request") })
		begin := time.Now()
		go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h5.example.com\r\nX-Slow: ")
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("read: %v", err)
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("a header that does not end ended the connection after %v, want 10s", took)
		}
	})
}

func TestSlowBodiesGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := dialPipe(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Write(body)
			http.NewResponseController(w).Flush()
			time.Sleep(time.Hour)
			io.WriteString(w, ",done")
		})
		go func() {
			io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h5.example.com\r\nContent-Length: 2\r\n\r\na")
			time.Sleep(time.Hour)
			io.WriteString(conn, "b")
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(res.Body); string(body) != "ab,done" || err != nil {
			t.Errorf("body = %q, %v, want %q", body, err, "ab,done")
		}
	})
}

func TestIdleConnectionEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := dialPipe(t, func(http.ResponseWriter, *http.Request) {})
		go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h5.example.com\r\n\r\n")
		reader := bufio.NewReader(conn)
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		begin := time.Now()
		io.ReadAll(reader)
		if took := time.Since(begin); took != 2*time.Minute {
			t.Errorf("an idle connection ended after %v, want 2m", took)
		}
	})
}

// slowService reports when its shutdown begins and ends; end is the time between.
type slowService struct {
	name string
	end  time.Duration
	tell func(string)
}

func (s *slowService) Serve(net.Listener) error { return http.ErrServerClosed }
func (s *slowService) Close() error             { return nil }
func (s *slowService) Shutdown(ctx context.Context) error {
	s.tell(s.name + " ends")
	select {
	case <-time.After(s.end):
		s.tell(s.name + " ended")
		return nil
	case <-ctx.Done():
		s.tell(s.name + " cut off")
		return ctx.Err()
	}
}

// TestDrainOrder checks that the servers for visitors are shut down together, the
// others after them, and that all drains are called before the delay.
func TestDrainOrder(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name                  string
		gateway, authz, admin time.Duration // duration of each shutdown
		want                  []string
		took                  time.Duration
	}{
		{"in time", 2 * time.Second, time.Second, time.Second, []string{
			"drain", "authz drain", "gateway and authz end", "authz ended", "gateway ended", "admin ends", "admin ended",
		}, 5*time.Second + 3*time.Second},
		{"a page that goes on", time.Hour, time.Second, time.Second, []string{
			"drain", "authz drain", "gateway and authz end", "authz ended", "gateway cut off", "admin ends", "admin cut off",
		}, 5*time.Second + 10*time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var told []string
				tell := func(what string) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, what)
				}
				begin := time.Now()
				drain(zerolog.Nop(), []*server{
					{name: "gateway", service: &slowService{"gateway", c.gateway, tell}},
					{name: "authz", service: &slowService{"authz", c.authz, tell}, drain: func() { tell("authz drain") }, alongside: true},
					{name: "admin", service: &slowService{"admin", c.admin, tell}},
				}, shutdown{begin: func() { tell("drain") }, delay: 5 * time.Second, timeout: 10 * time.Second})
				if len(told) > 3 { // the order of these two does not matter
					first := told[2:4]
					slices.Sort(first)
					if slices.Equal(first, []string{"authz ends", "gateway ends"}) {
						told = slices.Replace(told, 2, 4, "gateway and authz end")
					}
				}
				if !slices.Equal(told, c.want) {
					t.Errorf("drain told %q, want %q", told, c.want)
				}
				if took := time.Since(begin); took != c.took {
					t.Errorf("drain took %v, want %v", took, c.took)
				}
			})
		})
	}
}

func TestExtAuthzServer(t *testing.T) {
	t.Parallel()
	s := newExtAuthz(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/login?to="+r.RequestURI)
		w.WriteHeader(http.StatusFound)
	}), "127.0.0.1:0", zerolog.Nop(), time.Minute)
	if err := listen([]*server{s}, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.service.Serve(s.listener) }()
	conn, err := grpc.NewClient(s.listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := authv3.NewAuthorizationClient(conn).Check(t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{Method: "GET", Path: "/shop", Host: "h5.example.com"}},
	}})
	if got := answer.GetDeniedResponse().GetHeaders(); err != nil || len(got) != 1 || got[0].Header.Value != "/login?to=/shop" {
		t.Errorf("Check = %v, %v; want a redirect to /login?to=/shop", answer, err)
	}
	s.drain()
	if got, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); got.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health while draining = %v, %v; want %v", got, err, healthv1.HealthCheckResponse_NOT_SERVING)
	}
	drain(zerolog.Nop(), []*server{s}, shutdown{timeout: 10 * time.Second})
	if err := <-served; err != http.ErrServerClosed {
		t.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
	}
}
