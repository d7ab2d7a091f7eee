package extauthz_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	"github.com/wxgate/wxgate/gateway/extauthz"
)

// oneConn is a listener that accepts one connection.
type oneConn struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// A call whose message does not arrive ends after ten seconds, and one whose decision
// takes long goes on.
func TestCallsWithoutMessageEnd(t *testing.T) {
	t.Parallel()
	const check = "/envoy.service.auth.v3.Authorization/Check"
	message, err := proto.Marshal(checkRequest(nil))
	if err != nil {
		t.Fatal(err)
	}
	whole := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	for _, test := range []struct {
		name, path string
		message    []byte // what arrives of it
		want       time.Duration
		status     string
	}{
		{"nothing", check, nil, 10 * time.Second, "1"},
		{"half", check, []byte{0, 0, 0, 0, 9, 1}, 10 * time.Second, "1"},
		{"no length", check, []byte{0, 0}, 10 * time.Second, "1"},
		{"health", "/grpc.health.v1.Health/Check", nil, 10 * time.Second, "1"},
		{"whole, and no end", check, whole, 10 * time.Second, "1"},
		{"slow decision", check, whole, time.Minute, "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				listener := &oneConn{make(chan net.Conn, 1), make(chan struct{})}
				decide := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					select {
					case <-time.After(time.Minute):
					case <-r.Context().Done():
					}
					w.WriteHeader(http.StatusOK)
				})
				server := extauthz.New(decide, zerolog.Nop())
				go server.Serve(listener)
				conn, served := net.Pipe()
				listener.conns <- served
				defer server.Close()
				defer conn.Close()
				begin := time.Now()
				status := call(t, conn, test.path, test.message, test.want > 10*time.Second)
				if took := time.Since(begin); took != test.want || status != test.status {
					t.Errorf("status %s after %v, want %s after %v", status, took, test.status, test.want)
				}
			})
		})
	}
}

// call begins a call on conn, sends a part of its message and returns its grpc-status.
// end: the client says that nothing follows.
func call(t *testing.T, conn net.Conn, path string, message []byte, end bool) string {
	t.Helper()
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":authority", "wxgate"}, {":path", path},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	go func() {
		io.WriteString(conn, http2.ClientPreface)
		framer.WriteSettings()
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true})
		if message != nil {
			framer.WriteData(1, end, message)
		}
	}()
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		if f, ok := frame.(*http2.MetaHeadersFrame); ok && f.StreamEnded() {
			for _, field := range f.Fields {
				if field.Name == "grpc-status" {
					return field.Value
				}
			}
		}
	}
}
