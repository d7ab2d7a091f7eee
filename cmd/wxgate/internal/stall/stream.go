package stall

import (
	"net/http"
	"time"
)

// A response is written in pieces, each of which the client has to take within the
// timeout: net/http tells only of whole writes. Pieces under 16 KiB, the size of a
// frame, cost processor time; those under 4 KiB, the size of net/http's buffer, have
// to be flushed.
const (
	slowest  = 250 // bytes a second, by which a client goes on
	maxPiece = 16 << 10
	buffered = 4 << 10
)

// stream is the response on a stream of HTTP/2. The client must not keep its
// writes waiting.
type stream struct {
	http.ResponseWriter
	piece   int // in bytes
	written int // bytes
	watch   watch
}

func (l Limit) newStream(w http.ResponseWriter, r *http.Request) *stream {
	control, client := http.NewResponseController(w), r.RemoteAddr
	return &stream{
		ResponseWriter: w,
		piece:          min(int(l.Timeout.Seconds()*slowest)+1, maxPiece),
		watch: watch{timeout: l.Timeout, cut: func() {
			control.SetWriteDeadline(past)
			l.report(client, tookNothing)
		}},
	}
}

// Write implements [io.Writer].
func (s *stream) Write(p []byte) (n int, err error) {
	for {
		written, err := s.writePiece(p[n:min(n+s.piece, len(p))])
		n += written
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// writePiece writes a piece. It flushes a small one, unless it is the first: net/http
// would wait for more pieces, and then for the client to take them all. Of a response
// in one piece net/http tells the length.
func (s *stream) writePiece(p []byte) (int, error) {
	s.watch.begin()
	defer s.watch.end()
	n, err := s.ResponseWriter.Write(p)
	if s.written += n; err == nil && s.piece < buffered && s.written > s.piece {
		err = http.NewResponseController(s.ResponseWriter).Flush()
	}
	return n, err
}

// FlushError sends what is buffered. [http.ResponseController] calls it.
func (s *stream) FlushError() error {
	s.watch.begin()
	defer s.watch.end()
	return http.NewResponseController(s.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (s *stream) Flush() { s.FlushError() }

// Unwrap lets [http.ResponseController] reach the server's own writer.
func (s *stream) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// finish limits the time for the end of the response, which net/http sends when
// the handler has returned. Before that a deadline would not do: it ends a stream
// even if nothing waits to be written.
func (s *stream) finish() {
	http.NewResponseController(s.ResponseWriter).SetWriteDeadline(time.Now().Add(s.watch.timeout))
}
