package direct

import (
	"context"
	"io"
	"net/http"
)

// body is the body of a response. Its end, or its Close, ends the request.
type body struct {
	conn *conn // of the request, until end is set
	ctx  context.Context
	from io.Reader
	keep bool  // the upstream does not close the connection
	end  error // what Read returns from now on; nil: the request goes on
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
	b.conn.release(b.keep && err == io.EOF)
	if err != io.EOF {
		err = failure(b.ctx, err)
	}
	b.end = err
	return n, err
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
