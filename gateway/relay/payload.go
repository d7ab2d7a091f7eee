package relay

import (
	"bytes"
	"io"
	"net/http"
)

// maxRepeatBytes is the longest body that is kept in memory to repeat its call.
// Longer ones, such as media uploads, are streamed.
const maxRepeatBytes = 1 << 20

// A payload is the body of a request: the part that has been read, and the rest.
type payload struct {
	head   []byte
	rest   io.ReadCloser // nil: head is the whole body
	length int64         // of the whole body; -1: unknown
}

// readPayload takes the body of r, a [*forward.Body], and reads it if it has at most
// maxRepeatBytes.
func readPayload(r *http.Request) (*payload, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return &payload{}, nil
	}
	if r.ContentLength > maxRepeatBytes {
		return &payload{rest: r.Body, length: r.ContentLength}, nil
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, maxRepeatBytes+1))
	if err != nil {
		r.Body.Close()
		return nil, err
	}
	if len(head) > maxRepeatBytes {
		return &payload{head: head, rest: r.Body, length: r.ContentLength}, nil
	}
	r.Body.Close()
	return &payload{head: head, length: int64(len(head))}, nil
}

// repeatable reports whether the body can be sent more than once.
func (p *payload) repeatable() bool { return p.rest == nil }

// attach sets the body of r.
func (p *payload) attach(r *http.Request) {
	r.ContentLength = p.length
	r.TransferEncoding = nil // a body of known length is sent with a Content-Length
	switch {
	case p.rest != nil:
		r.Body = readCloser{io.MultiReader(bytes.NewReader(p.head), p.rest), p.rest}
	case len(p.head) == 0:
		r.Body = http.NoBody
	default:
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.head)), nil }
		r.Body, _ = r.GetBody()
	}
}

// close closes a body that is not sent.
func (p *payload) close() {
	if p.rest != nil {
		p.rest.Close()
	}
}

// readCloser is a body with another reader.
type readCloser struct {
	io.Reader
	io.Closer
}
