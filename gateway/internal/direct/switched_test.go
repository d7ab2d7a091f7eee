package direct_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/direct"
)

// switching makes a request ask for a WebSocket.
func switching(connection string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Connection", connection)
		r.Header.Set("Upgrade", "websocket")
	}
}

// ask sends a request for a WebSocket.
func ask(ctx context.Context, t *testing.T, transport http.RoundTripper) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://h5.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	switching("Upgrade")(r)
	return transport.RoundTrip(r)
}

const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

// After 101 each direction ends alone.
func TestSwitched(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	received := make(chan string, 1)
	go func() {
		site := <-p.accepted
		http.ReadRequest(site.requests)
		io.WriteString(site, switched)
		text, _ := io.ReadAll(site.requests)
		received <- string(text)
		io.WriteString(site, "bye")
		site.Close()
	}()
	res, err := ask(t.Context(), t, p.transport)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("response %v, %v, want 101", res, err)
	}
	conn := res.Body.(*direct.Switched)
	defer conn.Close()
	if _, err := conn.SyscallConn(); err != nil {
		t.Errorf("SyscallConn: %v", err)
	}
	io.WriteString(conn, "hello")
	if err := conn.CloseWrite(); err != nil {
		t.Errorf("CloseWrite: %v", err)
	}
	if got := <-received; got != "hello" {
		t.Errorf("the site reads %q, want hello and the end", got)
	}
	if got, err := io.ReadAll(conn); string(got) != "bye" || err != nil {
		t.Errorf("read %q, %v, want bye and the end", got, err)
	}
}

// The connection is the caller's after 101: it has no deadline, and the end of the
// request does not close it.
func TestSwitchedOutlivesRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ours, site := net.Pipe()
		transport := direct.New(direct.Config{
			Dial:          func(context.Context) (net.Conn, error) { return ours, nil },
			HeaderTimeout: time.Minute,
		})
		go func() {
			http.ReadRequest(bufio.NewReader(site))
			io.WriteString(site, switched)
			io.Copy(site, site)
		}()
		res, err := ask(ctx, t, transport)
		if err != nil {
			t.Fatal(err)
		}
		conn := res.Body.(*direct.Switched)
		cancel()
		time.Sleep(time.Hour)
		if _, err := conn.Write([]byte("hello")); err != nil {
			t.Errorf("write: %v", err)
		}
		if n, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
			t.Errorf("read %d bytes, %v, want 5", n, err)
		}
		conn.Close()
	})
}

// What the upstream sends with the header is there once.
func TestSwitchedEarly(t *testing.T) {
	t.Parallel()
	for _, early := range []string{"", "e", strings.Repeat("early ", 1000)} {
		p := newPeer(t, time.Minute)
		go func() {
			site := <-p.accepted
			http.ReadRequest(site.requests)
			io.WriteString(site, switched+early)
			site.Close()
		}()
		res, err := ask(t.Context(), t, p.transport)
		if err != nil {
			t.Fatal(err)
		}
		conn := res.Body.(*direct.Switched)
		got := bytes.Clone(conn.Early())
		rest, err := io.ReadAll(conn)
		if got = append(got, rest...); string(got) != early || err != nil {
			t.Errorf("%d bytes, %v, want the %d that were sent", len(got), err, len(early))
		}
		conn.Close()
	}
}

// A response that does not switch is one like any other: its connection is used again.
func TestNotSwitched(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	go func() {
		site := <-p.accepted
		for {
			if _, err := http.ReadRequest(site.requests); err != nil {
				return
			}
			io.WriteString(site, "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
		}
	}()
	for range 2 {
		res, err := ask(t.Context(), t, p.transport)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(res.Body); string(text) != "no" || err != nil || res.StatusCode != 426 {
			t.Errorf("response %d %q, %v, want 426 no", res.StatusCode, text, err)
		}
	}
	if n := p.dialled.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// A visitor who leaves before the response ends the connection.
func TestLeftBeforeSwitched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ours, site := net.Pipe()
		transport := direct.New(direct.Config{Dial: func(context.Context) (net.Conn, error) { return ours, nil }})
		go func() {
			http.ReadRequest(bufio.NewReader(site))
			cancel()
		}()
		if _, err := ask(ctx, t, transport); !errors.Is(err, context.Canceled) {
			t.Errorf("RoundTrip: %v, want the context's error", err)
		}
		if _, err := site.Write([]byte("x")); err == nil {
			t.Error("the connection is open, want it closed")
		}
	})
}
