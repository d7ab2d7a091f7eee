package relay

import (
	"bytes"
	"io"
	"net/http"

	"github.com/wxgate/wxgate/gateway/internal/forward"
)

// maxRepeatBytes is the longest body that is kept in memory, so that its call
// can be repeated. Longer ones, media above all, are streamed.
const maxRepeatBytes = 1 << 20

// A payload is the body of a request: its beginning, and the rest where there
// is too much of it to be kept.
type payload struct {
	head   []byte
	rest   io.ReadCloser // nil: head is all
	length int64         // of both; -1: not known
}

// readAhead takes the body of r, and reads it if it is short.
func readAhead(r *http.Request) (*payload, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return &payload{}, nil
	}
	if r.ContentLength > maxRepeatBytes {
		return &payload{rest: r.Body, length: r.ContentLength}, nil
	}
	head, err := io.ReadAll(io.LimitReader(r.Body, maxRepeatBytes+1))
	if err != nil {
		r.Body.Close()
		return nil, &forward.BodyError{Err: err}
	}
	if len(head) > maxRepeatBytes {
		return &payload{head: head, rest: r.Body, length: r.ContentLength}, nil
	}
	r.Body.Close()
	return &payload{head: head, length: int64(len(head))}, nil
}

// whole reports whether the body can be sent as often as needed.
func (p *payload) whole() bool { return p.rest == nil }

// giveTo makes the payload the body of r.
func (p *payload) giveTo(r *http.Request) {
	r.ContentLength = p.length
	r.TransferEncoding = nil // what is known whole is sent with its length
	switch {
	case p.rest != nil:
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(p.head), p.rest), p.rest}
	case len(p.head) == 0:
		r.Body = http.NoBody
	default:
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(p.head)), nil }
		r.Body, _ = r.GetBody()
	}
}

// close gives up a body that was not sent.
func (p *payload) close() {
	if p.rest != nil {
		p.rest.Close()
	}
}
