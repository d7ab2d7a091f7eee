package gateway

import (
	"net/http"
	"strings"
	"time"
)

// flushDelay is how long a piece of a response without a length may wait for the next.
const flushDelay = time.Millisecond

// flushSoon lets a response without a length leave in fewer pieces. ReverseProxy would
// flush its header alone and then each piece at once, so that a short response took three
// writes instead of one. HTTP/2 and event streams stay as they are.
func (f *forwarding) flushSoon(res *http.Response) {
	if res.ContentLength != -1 || res.Body == http.NoBody || f.in.ProtoMajor != 1 || isEventStream(res) {
		return
	}
	res.ContentLength = 0 // ReverseProxy takes nothing else from it
	f.FlushInterval = flushDelay
	// net/http would give a short response a length. It sends this header itself then.
	res.Header["Transfer-Encoding"] = []string{"chunked"}
}

// isEventStream reports whether ReverseProxy may take a response for an event stream.
func isEventStream(res *http.Response) bool {
	return strings.Contains(strings.ToLower(res.Header.Get("Content-Type")), "event-stream")
}
