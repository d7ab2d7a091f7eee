package stall

import (
	"net/http"
	"time"
)

// A response is written in pieces, each of which the client has to take within the
// timeout: net/http tells only of whole writes. Pieces under 16 KiB, the size of a
// frame, cost processor time, and under 4 KiB, the size of net/http's buffer, they
// make no difference.
const (
	slowest  = 300 // bytes a second, by which a client goes on
	minPiece = 4 << 10
	maxPiece = 16 << 10
)

// stream is the response on a stream of HTTP/2. The client must not keep its
// writes waiting.
type stream struct {
	http.ResponseWriter
	piece int // in bytes
	watch watch
}

func (l Limit) newStream(w http.ResponseWriter, r *http.Request) *stream {
	control, client := http.NewResponseController(w), r.RemoteAddr
	return &stream{
		ResponseWriter: w,
		piece:          min(max(int(l.Timeout.Seconds()*slowest), minPiece), maxPiece),
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

func (s *stream) writePiece(p []byte) (int, error) {
	s.watch.begin()
	defer s.watch.end()
	return s.ResponseWriter.Write(p)
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
