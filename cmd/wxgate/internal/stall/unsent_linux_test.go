package stall_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// The kernel buffers little of what a client does not take, and drops it at the end.
func TestKernelBuffersLittle(t *testing.T) {
	t.Parallel()
	server, client := tcp(t, 200*time.Millisecond)
	client.(*net.TCPConn).SetReadBuffer(64 << 10)
	n, err := io.Copy(server, endless{})
	if !errors.Is(err, os.ErrDeadlineExceeded) || n > 1<<20 {
		t.Errorf("wrote %d bytes to a client that takes nothing, %v, want less than 1 MiB and a timeout", n, err)
	}
	server.Close()
	if _, err := io.Copy(io.Discard, client); err == nil {
		t.Error("the client reads all that was buffered, want the connection reset")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
