package stall_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/stall"
)

// stream returns the two ends of a connection.
func stream(t *testing.T, network, address string) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if near, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		near.Close()
		far.Close()
	})
	return near, far
}

// pattern returns n bytes, in which a piece that is missing or out of order shows.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

const long = 3<<20 + 7

func TestReadFrom(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "site.sock")
	for _, test := range []struct {
		name, network, address string
		limit                  int64 // of what the server reads; 0: none
		ends                   int   // bytes after which the source ends
		want                   int
	}{
		{"TCP", "tcp", "127.0.0.1:0", long, long + 5, long},
		{"Unix socket", "unix", socket, long, long + 5, long},
		{"ends early", "tcp", "127.0.0.1:0", long, long - 5, long - 5},
		{"ends at once", "tcp", "127.0.0.1:0", long, 0, 0},
		{"without a limit", "tcp", "127.0.0.1:0", 0, long, long},
		{"no socket", "", "", long, long + 5, long},
		{"short", "tcp", "127.0.0.1:0", 3, long, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sent := pattern(test.ends)
			var src io.Reader = bytes.NewReader(sent)
			if test.network != "" {
				near, far := stream(t, test.network, test.address)
				go func() {
					far.Write(sent)
					far.Close()
				}()
				src = near
			}
			if test.limit > 0 {
				src = io.LimitReader(src, test.limit)
			}
			server, client := tcp(t, timeout)
			go func() {
				defer server.Close()
				if n, err := server.(io.ReaderFrom).ReadFrom(src); n != int64(test.want) || err != nil {
					t.Errorf("ReadFrom = %d, %v, want %d", n, err, test.want)
				}
				if limited, ok := src.(*io.LimitedReader); ok && limited.N != test.limit-int64(test.want) {
					t.Errorf("%d bytes may still be read, want %d", limited.N, test.limit-int64(test.want))
				}
			}()
			got, err := io.ReadAll(client)
			if !bytes.Equal(got, sent[:test.want]) || err != nil {
				t.Errorf("the client got %d bytes, %v, want the first %d of the source's", len(got), err, test.want)
			}
		})
	}
}

// hasty is a connection whose first write deadline passes soon. It tells of each.
type hasty struct {
	*net.TCPConn
	set  chan time.Time
	once *sync.Once
}

func (c hasty) SetWriteDeadline(t time.Time) error {
	c.set <- t
	c.once.Do(func() { t = time.Now().Add(100 * time.Millisecond) })
	return c.TCPConn.SetWriteDeadline(t)
}

// A client that is slow loses nothing when a deadline passes while bytes wait for it.
func TestReadFromWaits(t *testing.T) {
	t.Parallel()
	client, accepted := stream(t, "tcp", "127.0.0.1:0")
	set := make(chan time.Time, 1000)
	watched := given{hasty{accepted.(*net.TCPConn), set, new(sync.Once)}}
	server, err := stall.Limit{Timeout: timeout}.Listener(watched).Accept()
	if err != nil {
		t.Fatal(err)
	}
	near, far := stream(t, "tcp", "127.0.0.1:0")
	const most = 32 << 20 // more than the kernel buffers
	sent := pattern(most)
	go far.Write(sent)
	go func() {
		defer server.Close()
		n, err := server.(io.ReaderFrom).ReadFrom(io.LimitReader(near, most))
		close(set)
		if n != most || err != nil {
			t.Errorf("ReadFrom = %d, %v, want all", n, err)
		}
	}()
	first := <-set
	if second := <-set; !second.After(first) {
		t.Errorf("the second deadline is %v, before the first, %v", second, first)
	}
	if got, err := io.ReadAll(client); !bytes.Equal(got, sent) || err != nil {
		t.Errorf("the client got %d bytes, %v, want what was sent", len(got), err)
	}
}

// A client that takes nothing is cut off, and gets nothing more.
func TestReadFromStalls(t *testing.T) {
	t.Parallel()
	server, client := tcp(t, 200*time.Millisecond)
	client.(*net.TCPConn).SetReadBuffer(64 << 10)
	near, far := stream(t, "tcp", "127.0.0.1:0")
	go io.Copy(far, endless{})
	n, err := server.(io.ReaderFrom).ReadFrom(io.LimitReader(near, 1<<30))
	if !errors.Is(err, os.ErrDeadlineExceeded) || n > 1<<20 {
		t.Errorf("moved %d bytes to a client that takes nothing, %v, want less than 1 MiB and a timeout", n, err)
	}
	if n, err := server.(io.ReaderFrom).ReadFrom(io.LimitReader(near, 1)); n > 0 || err == nil {
		t.Errorf("after that, moved %d bytes, %v, want the timeout again", n, err)
	}
	server.Close()
	if _, err := io.Copy(io.Discard, client); err == nil {
		t.Error("the client reads all that was buffered, want the connection reset")
	}
}

// Close ends a ReadFrom that waits for the source, or for the client.
func TestReadFromEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		bytes int64 // that the source sends
		close func(source, server net.Conn)
	}{
		{"source", 1, func(source, _ net.Conn) { source.Close() }},
		{"server", 1 << 30, func(_, server net.Conn) { server.Close() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, client := tcp(t, timeout)
			near, far := stream(t, "tcp", "127.0.0.1:0")
			go io.CopyN(far, endless{}, test.bytes)
			go func() {
				client.Read(make([]byte, 1))
				test.close(near, server)
			}()
			_, err := server.(io.ReaderFrom).ReadFrom(io.LimitReader(near, 1<<40))
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("ReadFrom = %v, want the closed connection", err)
			}
		})
	}
}

// Many at a time: some find no pipe. All get their own bytes.
func TestReadFromAtOnce(t *testing.T) {
	t.Parallel()
	const connections = 300
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range connections {
		server, client := tcp(t, timeout)
		near, far := stream(t, "tcp", "127.0.0.1:0")
		want := bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 10_000)
		go func() {
			defer server.Close()
			server.(io.ReaderFrom).ReadFrom(io.LimitReader(near, int64(len(want))))
		}()
		all.Go(func() {
			<-begin
			far.Write(want)
			if got, err := io.ReadAll(client); !bytes.Equal(got, want) || err != nil {
				t.Errorf("client %d got %d bytes, %v, want those sent to it", i, len(got), err)
			}
		})
	}
	close(begin)
	all.Wait()
}
