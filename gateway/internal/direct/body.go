package direct

import (
	"context"
	"io"
	"net/http"
)

// body is the body of a response. Its end, or its Close, ends the request.
type body struct {
	conn *conn // nil: the request has ended
	ctx  context.Context
	from io.Reader
	keep bool  // the upstream does not close the connection
	end  error // of the last Read; nil: there was none yet
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.end != nil {
		return 0, b.end
	}
	n, err := b.from.Read(p)
	if err == nil {
		return n, nil
	}
	c := b.conn
	b.conn = nil
	c.release(b.keep && err == io.EOF)
	if err != io.EOF {
		err = failure(b.ctx, err)
	}
	b.end = err
	return n, err
}

// Close implements [io.Closer]. It does not read the rest: the connection is closed
// with it.
func (b *body) Close() error {
	if b.conn != nil {
		b.conn.release(false)
		b.conn = nil
	}
	b.end = http.ErrBodyReadAfterClose
	return nil
}
