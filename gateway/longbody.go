package gateway

import (
	"io"
	"net/http"
)

// longBytes is the length from which a response's body is worth the system calls that
// move it within the kernel.
const longBytes = 64 << 10

// longBody is the body of a response that its first Read moves whole to the visitor.
// ReverseProxy would copy it through a buffer.
type longBody struct {
	io.ReadCloser
	from io.WriterTo // the same
	to   io.Writer
}

// Read implements [io.Reader].
func (b *longBody) Read([]byte) (int, error) {
	if _, err := b.from.WriteTo(b.to); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// moveWhole lets a long body of a response go from one connection to the other. HTTP/2
// and TLS need the bytes here, and ReverseProxy flushes an event stream meanwhile.
func (f *forwarding) moveWhole(res *http.Response) {
	from, ok := res.Body.(io.WriterTo)
	if !ok || res.ContentLength < longBytes || f.in.ProtoMajor != 1 || f.in.TLS != nil ||
		isEventStream(res) {
		return
	}
	res.Body = &longBody{res.Body, from, f.answer}
	f.BufferPool = noBuffers{}
}

// noBuffers is the [httputil.BufferPool] of a longBody, which needs none.
type noBuffers struct{}

// Get returns one byte: for none, ReverseProxy makes a buffer of its own.
func (noBuffers) Get() []byte { return make([]byte, 1) }

// Put implements [httputil.BufferPool].
func (noBuffers) Put([]byte) {}
