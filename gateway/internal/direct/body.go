package direct

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"syscall"
)

// body is the body of a response. Its end, or its Close, ends the request.
type body struct {
	conn *conn // of the request, until end is set
	ctx  context.Context
	from io.Reader
	left int64 // bytes that are to come; negative: nobody knows
	keep bool  // the upstream does not close the connection
	end  error // what Read returns from now on; nil: the request goes on
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.end != nil {
		return 0, b.end
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	if err != nil {
		b.finish(err)
	}
	return n, b.end
}

// finish ends the request with what the last read returned.
func (b *body) finish(err error) {
	b.conn.release(b.keep && err == io.EOF)
	if err != io.EOF {
		err = failure(b.ctx, err)
	}
	b.end = err
}

// WriteTo implements [io.WriterTo]. If w is an [io.ReaderFrom] and the length is known, w
// reads the connection itself, so that the kernel can move the bytes.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	to, ok := w.(io.ReaderFrom)
	if !ok || b.left <= 0 || b.end != nil {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	written, err := b.writeHeld(w)
	if err == nil {
		rest := &io.LimitedReader{R: b.conn.Conn, N: b.left}
		var n int64
		n, err = to.ReadFrom(rest)
		written += n
		switch {
		case err == nil && rest.N > 0:
			err = io.ErrUnexpectedEOF
		case err == nil:
			err = io.EOF
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, syscall.EPIPE) {
		err = context.Canceled // of w: reading has no deadline, and nothing is written to the upstream
	}
	b.finish(err)
	if b.end == io.EOF {
		return written, nil
	}
	return written, b.end
}

// writeHeld writes what has come together with the header.
func (b *body) writeHeld(w io.Writer) (int64, error) {
	held, err := b.conn.reader.Peek(int(min(int64(b.conn.reader.Buffered()), b.left)))
	if err != nil {
		return 0, err
	}
	n, err := w.Write(held)
	b.conn.reader.Discard(n)
	b.left -= int64(n)
	return int64(n), err
}

// Close implements [io.Closer]. It does not read the rest: the connection is closed
// with it.
func (b *body) Close() error {
	if b.end == nil {
		b.conn.release(false)
	}
	b.end = http.ErrBodyReadAfterClose
	return nil
}
