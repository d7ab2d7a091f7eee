// Package tunnel copies the bytes of an upgraded connection between the visitor and the
// site. A direction in which nothing comes has no buffer, as far as the connection allows
// that: most WebSockets are idle most of the time.
package tunnel

import (
	"errors"
	"io"
	"net/http/httputil"
	"sync/atomic"
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

	ended   func()
	running atomic.Int32 // directions
}

// Start copies in both directions, in goroutines of its own. A side's end is passed on
// with CloseWrite, if the other has it. When both have ended, or at the first error, both
// are closed. After that ended is called.
func (t *Tunnel) Start(ended func()) {
	t.ended = ended
	t.running.Store(2)
	go t.run(0, 1)
	go t.run(1, 0)
}

// Close closes both sides.
func (t *Tunnel) Close() {
	for _, side := range t.Sides {
		side.Close()
	}
}

// run copies in one direction to its end.
func (t *Tunnel) run(from, to int) {
	if err := t.copy(from, to); err != nil {
		t.Close()
	}
	if t.running.Add(-1) == 0 {
		t.Close()
		t.ended()
	}
}

// copy returns nil if the other direction can go on.
func (t *Tunnel) copy(from, to int) error {
	early := t.Sides[from].Early
	t.Sides[from].Early = nil
	if err := write(t.Sides[to], early); err != nil {
		return err
	}
	source := newSource(t.Sides[from].ReadWriteCloser, t.Buffers)
	for {
		p, err := source.read()
		failed := write(t.Sides[to], p)
		source.giveBack()
		switch {
		case failed != nil:
			return failed
		case err == io.EOF:
			return closeWrite(t.Sides[to].ReadWriteCloser)
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
