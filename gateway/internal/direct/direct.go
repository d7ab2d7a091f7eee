// Package direct sends requests without a body to an upstream on the caller's own
// goroutine, those for a WebSocket included. [http.Transport] has two goroutines for each
// connection, and hands a request to one and its response back from the other; for a short
// request that costs more than the request itself. Writing requests and reading responses
// is left to net/http: this package only chooses the connection and waits on it.
package direct

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/wxgate/wxgate/gateway/rawconn"
)

// Supported is whether this system tells if anything has come on a connection. Elsewhere,
// a [Transport] keeps none.
const Supported = rawconn.Supported

// Config describes a [Transport].
type Config struct {
	// Dial opens a connection to the upstream. The host in the URL of a request is not used.
	Dial func(ctx context.Context) (net.Conn, error)
	// HeaderTimeout limits the time from a request to the end of the response's header.
	// Zero: there is no limit.
	HeaderTimeout time.Duration
	// Others sends the requests that need more: those with a body, an Expect or a trailer, or
	// that are no GET but have an Upgrade. It should get its connections from [Transport.Connect].
	Others http.RoundTripper
}

// A Transport is an [http.RoundTripper] for one upstream that speaks HTTP/1.1 without TLS.
// It is safe for concurrent use, but the body of a response is for one goroutine at a
// time. The body is an [io.WriterTo] that lets an [io.ReaderFrom] read the connection
// itself. Make one with [New].
type Transport struct {
	Config
	pool pool
}

// New returns the transport that c describes. It opens no connection.
func New(c Config) *Transport { return &Transport{Config: c} }

// CloseIdleConnections closes the connections that no request uses.
func (t *Transport) CloseIdleConnections() {
	t.pool.closeAll()
	if others, ok := t.Others.(interface{ CloseIdleConnections() }); ok {
		others.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !takes(r) {
		return t.Others.RoundTrip(r)
	}
	if ctx := r.Context(); ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for c := t.pool.pop(); c != nil; c = t.pool.pop() {
		res, err := c.roundTrip(r, t.HeaderTimeout)
		switch {
		case errors.Is(err, rawconn.ErrNotQuiet):
			continue // nothing has left, and another may be quiet
		case !c.again(r, err):
			return res, err
		}
		break
	}
	to, err := t.Dial(r.Context())
	if err != nil {
		return nil, err
	}
	return newConn(to, &t.pool).roundTrip(r, t.HeaderTimeout)
}

// Connect returns an idle connection, which is the caller's then, or opens one. Without
// it, Others would open a connection while the last one of a visitor is idle here, and an
// upstream with one worker for each connection may have no worker for it.
func (t *Transport) Connect(ctx context.Context) (net.Conn, error) {
	if c := t.pool.take(); c != nil && c.SetDeadline(time.Time{}) == nil {
		return c.Conn, nil
	}
	return t.Dial(ctx)
}

// takes reports whether a request is so simple that a Transport sends it itself.
func takes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete:
	default:
		return false
	}
	if r.Body != nil && r.Body != http.NoBody || r.ContentLength != 0 || r.URL.Scheme != "http" || r.URL.Host == "" ||
		r.Close || len(r.TransferEncoding) > 0 || len(r.Trailer) > 0 {
		return false
	}
	switches := asksToSwitch(r)
	for name, values := range r.Header {
		if !takesHeader(name, values, switches) {
			return false
		}
	}
	return true
}

// takesHeader reports whether a request with this header is simple. switches says that
// it asks to switch protocols.
func takesHeader(name string, values []string, switches bool) bool {
	switch name {
	case "Connection", "Upgrade":
		if !switches {
			return false
		}
	case "Expect", "Trailer", "Transfer-Encoding", "Content-Length":
		return false
	}
	if !httpguts.ValidHeaderFieldName(name) {
		return false // http.Transport has an error for it
	}
	for _, value := range values {
		if !httpguts.ValidHeaderFieldValue(value) {
			return false
		}
	}
	return true
}

// errHeaderTimeout is the error of a response whose header did not come in time.
var errHeaderTimeout = fmt.Errorf("wait for the response's header: %w", os.ErrDeadlineExceeded)

// failure returns the error of a request that ended with err. A context that has ended
// closes the connection, so its cause is the error then.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errHeaderTimeout
	}
	return err
}
