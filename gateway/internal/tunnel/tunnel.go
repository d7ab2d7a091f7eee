// Package tunnel copies the bytes of an upgraded connection between the visitor and the
// site. A direction in which nothing comes has no buffer, as far as the connection allows
// that: most WebSockets are idle most of the time.
package tunnel

import (
	"errors"
	"io"
	"net/http/httputil"
	"sync/atomic"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/panics"
)

// A Side is one of the two connections. If it is a [syscall.Conn], its Read must not keep
// bytes back, and is called at the end too.
type Side struct {
	io.ReadWriteCloser
	Early []byte // what it has sent already
}

// A Tunnel connects two sides. It begins with [Tunnel.Start].
type Tunnel struct {
	Sides   [2]Side
	Buffers httputil.BufferPool
	Logger  zerolog.Logger // of panics

	ended   func()
	running atomic.Int32 // directions
}

// Start copies in both directions, in goroutines of its own. A side's end is passed on
// with CloseWrite, if the other has it. When both have ended, or at the first error, both
// are closed. After that ended is called. A panic ends the tunnel, and is logged.
func (t *Tunnel) Start(ended func()) {
	t.ended = ended
	t.running.Store(2)
	go t.run(0, 1)
	go t.run(1, 0)
}

// Close closes both sides.
func (t *Tunnel) Close() {
	for i := range t.Sides {
		t.Sides[i].Close()
	}
}

// run copies in one direction to its end.
func (t *Tunnel) run(from, to int) {
	t.guard(func() {
		if err := t.copy(from, to); err != nil {
			t.Close()
		}
	})
	if t.running.Add(-1) == 0 {
		t.Close()
		t.guard(t.ended)
	}
}

// guard calls f. A panic of f would end the process: no server is above it.
func (t *Tunnel) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			panics.Log(t.Logger, v)
			t.Close()
		}
	}()
	f()
}

// copy returns nil if the other direction can go on.
func (t *Tunnel) copy(from, to int) error {
	target := t.Sides[to].ReadWriteCloser
	if err := write(target, t.Sides[from].Early); err != nil {
		return err
	}
	source := newSource(t.Sides[from].ReadWriteCloser, t.Buffers)
	for {
		p, err := source.read()
		failed := write(target, p)
		source.giveBack()
		switch {
		case failed != nil:
			return failed
		case err == io.EOF:
			return closeWrite(target)
		case err != nil:
			return err
		}
	}
}

// write writes p. Nothing is written if p is empty: over TLS that would be a record.
func write(w io.Writer, p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, err := w.Write(p)
	return err
}

// closeWrite ends the direction to c.
func closeWrite(c io.Writer) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
