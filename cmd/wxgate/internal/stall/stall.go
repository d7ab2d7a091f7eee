// Package stall cuts off the clients of a server that stall: those that send
// nothing of a request body the server waits for, or take nothing of a response
// that waits to be sent. A client that is slow but goes on is not cut off, nor is
// one for which there is nothing to send, such as the reader of a silent event
// stream.
//
// [Limit.Listener] limits the writes to each connection. That covers HTTP/1.1, TLS,
// WebSockets and the connections of HTTP/2. [Limit.Handler] limits the reads of
// request bodies, and the writes to each stream of HTTP/2: one stream may stall
// while the connection goes on. A server needs both.
package stall

import "time"

// A Limit says when a client stalls.
type Limit struct {
	Timeout time.Duration // 0: never
	// Report is called for a client that is cut off, with its address and what it
	// did. It may be nil.
	Report func(client, what string)
}

// What clients do that are cut off, for Report.
const (
	tookNothing = "took nothing of a response"
	sentNothing = "sent nothing of a body"
)

// report reports a client that is cut off.
func (l Limit) report(client, what string) {
	if l.Report != nil {
		l.Report(client, what)
	}
}
