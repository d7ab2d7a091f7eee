package stall

import (
	"io"
	"net/http"
	"time"
)

// UnreadBody returns how long a server with the given timeout waits for a body that
// its handler does not read: the timeout, but not longer than ten seconds, and those
// if there is none.
func UnreadBody(timeout time.Duration) time.Duration {
	const most = 10 * time.Second
	if timeout == 0 {
		return most
	}
	return min(timeout, most)
}

// Handler returns a handler that calls next, and cuts off a request whose client
// sends nothing of the body for the timeout while the body is read, or takes
// nothing of an HTTP/2 stream for the timeout while a write waits. The read or the
// write that waits fails with [os.ErrDeadlineExceeded]. It returns next if the
// timeout is 0.
//
// It ends the server's WriteTimeout, which then limits only the responses that
// net/http writes to HTTP/2 before it calls a handler.
//
// For HTTP/1.1, the body has to arrive within [UnreadBody] altogether, unless next
// sets another read deadline: net/http reads the rest of what next does not read.
func (l Limit) Handler(next http.Handler) http.Handler {
	if l.Timeout == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		control.SetWriteDeadline(time.Time{})
		if r.Body != http.NoBody {
			if r.ProtoMajor == 1 {
				control.SetReadDeadline(time.Now().Add(UnreadBody(l.Timeout)))
			}
			body := l.newBody(w, r)
			defer body.watch.stop()
			withBody := *r // net/http looks at the body of its own request
			withBody.Body = body
			r = &withBody
		}
		if r.ProtoMajor != 2 {
			next.ServeHTTP(w, r)
			return
		}
		stream := l.newStream(w, r)
		defer stream.watch.stop()
		next.ServeHTTP(stream, r)
		stream.finish()
	})
}

// past is a deadline that has passed.
var past = time.Unix(1, 0)

// body is a request body whose reads the client must not keep waiting.
type body struct {
	io.ReadCloser
	watch watch
}

func (l Limit) newBody(w http.ResponseWriter, r *http.Request) *body {
	control := http.NewResponseController(w)
	client := r.RemoteAddr
	return &body{r.Body, watch{timeout: l.Timeout, cut: func() {
		control.SetReadDeadline(past)
		l.report(client, sentNothing)
	}}}
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	b.watch.begin()
	defer b.watch.end()
	return b.ReadCloser.Read(p)
}

// Close implements [io.Closer]. For HTTP/1.1 it reads a part of what the client
// still owes.
func (b *body) Close() error {
	b.watch.begin()
	defer b.watch.end()
	return b.ReadCloser.Close()
}
