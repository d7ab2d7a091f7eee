// Package stall cuts off the clients of a server that stall: those that send
// nothing of a request body the server waits for, or take nothing of a response
// that waits to be sent. A client that is slow but goes on is not cut off, nor is
// one for which there is nothing to send, such as the reader of a silent event
// stream.
//
// [Listener] limits the writes to each connection. That covers HTTP/1.1, TLS,
// WebSockets and the connections of HTTP/2. [Handler] limits the reads of request
// bodies, and the writes to each stream of HTTP/2: one stream may stall while the
// connection goes on. A server needs both.
package stall
