package gateway_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// An idle WebSocket needs little memory, also after long messages. The figures include
// the two far ends, which are in this process: 1 KiB, and several over TLS. Of those over
// TLS, crypto/tls has most: after a long record it keeps a buffer for the next.
//
// It is not parallel: it measures the memory of the process.
func TestIdleWebSocketMemory(t *testing.T) {
	for _, test := range []struct {
		name string
		tls  bool
		size int // of messages
		most int // bytes
	}{
		{"short messages", false, 16, 24 << 10},
		{"long messages", false, 32 << 10, 24 << 10},
		{"TLS, short messages", true, 16, 64 << 10},
		{"TLS, long messages", true, 32 << 10, 140 << 10},
	} {
		site, sites := newIdleSite(t)
		g, _ := newGateway(t, nil, func(c *testConfig) {
			c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, "http://"+site)}}
		})
		front := httptest.NewUnstartedServer(g)
		if test.tls {
			front.StartTLS()
		} else {
			front.Start()
		}
		t.Cleanup(front.Close)
		const warm, sockets = 50, 200
		var visitors []net.Conn
		open := func(n int) {
			for range n {
				visitors = append(visitors, openIdle(t, front, sites, test.size))
			}
		}
		open(warm)
		before := memoryInUse()
		open(sockets)
		each := int(memoryInUse()-before) / sockets
		t.Logf("%s: %d bytes a WebSocket", test.name, each)
		if each > test.most {
			t.Errorf("%s: %d bytes a WebSocket, want at most %d", test.name, each, test.most)
		}
		for _, c := range visitors {
			c.Close()
		}
	}
}

// memoryInUse returns the bytes of objects and stacks in use.
func memoryInUse() uint64 {
	runtime.GC()
	runtime.GC() // pools keep what they hold through one
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// newIdleSite returns the address of a site, and the connections that it accepts.
func newIdleSite(t *testing.T) (string, <-chan net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sites := make(chan net.Conn)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			sites <- conn
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String(), sites
}

// openIdle opens a WebSocket, and sends three messages of a size in each direction. It
// returns the visitor's connection, which closes the site's too.
func openIdle(t *testing.T, front *httptest.Server, sites <-chan net.Conn, size int) net.Conn {
	t.Helper()
	visitor, err := net.Dial("tcp", front.Listener.Addr().String())
	if err == nil && front.TLS != nil {
		visitor = tls.Client(visitor, &tls.Config{InsecureSkipVerify: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(visitor, strings.Join(handshake(t), "\r\n")+"\r\n\r\n")
	site := <-sites
	if _, err := http.ReadRequest(bufio.NewReader(site)); err != nil {
		t.Fatal(err)
	}
	io.WriteString(site, switched)
	if _, err := http.ReadResponse(bufio.NewReader(visitor), nil); err != nil {
		t.Fatal(err)
	}
	message := append(binary.BigEndian.AppendUint64([]byte{0x82, 127}, uint64(size)), make([]byte, size)...)
	got := make([]byte, len(message))
	for range 3 {
		for from, to := range map[net.Conn]net.Conn{visitor: site, site: visitor} {
			go from.Write(message)
			if _, err := io.ReadFull(to, got); err != nil || !bytes.Equal(got, message) {
				t.Fatalf("a message of %d bytes arrives changed, %v", size, err)
			}
		}
	}
	return bothEnds{visitor, site}
}

// bothEnds is the visitor's end of a WebSocket, whose Close closes that of the site too.
type bothEnds struct {
	net.Conn
	site net.Conn
}

func (c bothEnds) Close() error {
	c.site.Close()
	return c.Conn.Close()
}
