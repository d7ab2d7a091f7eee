package direct

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"syscall"
	"time"

	"github.com/wxgate/wxgate/gateway/rawconn"
)

// maxHeaderBytes limits the header of a response, and of each interim response before
// it. It is http.Transport's limit.
const maxHeaderBytes = 10 << 20

// conn is a connection to the upstream. It has at most one request at a time.
type conn struct {
	net.Conn
	cheap  *rawconn.Conn // reads and writes Conn
	pool   *pool
	quiet  func() bool // nothing has come, not even the end; nil: that cannot be known
	parked time.Time   // when it became idle
	reused bool        // it has served a request before

	// The rest is of the request under way.
	reader   *bufio.Reader
	readable int64 // bytes that may still be read
	whole    bool  // the next Write has all of the request
	written  bool  // a part of the request
	answered bool  // a part of the response has come
	unwatch  func() bool
}

func newConn(to net.Conn, p *pool) *conn {
	c := &conn{Conn: to, cheap: rawconn.New(to), pool: p}
	if c.cheap.CanAsk() {
		c.quiet = c.cheap.Quiet
	}
	return c
}

// Read implements [io.Reader] within the limit for headers.
func (c *conn) Read(p []byte) (int, error) {
	if c.readable <= 0 {
		return 0, fmt.Errorf("response header: more than %d bytes", maxHeaderBytes)
	}
	n, err := c.cheap.Read(p[:min(int64(len(p)), c.readable)])
	c.readable -= int64(n)
	c.answered = c.answered || n > 0
	return n, err
}

// Write implements [io.Writer]. On a connection that was idle, it fails with
// [rawconn.ErrNotQuiet] if something has come meanwhile: that must not become the response
// to the request.
func (c *conn) Write(p []byte) (n int, err error) {
	switch {
	case !c.reused || c.written:
	case c.whole:
		n, err = c.cheap.Ask(p)
	case !c.quiet():
		err = rawconn.ErrNotQuiet
	}
	c.written = c.written || n > 0
	if err != nil || n == len(p) {
		return n, err
	}
	more, err := c.cheap.Write(p[n:])
	c.written = c.written || more > 0
	return n + more, err
}

// roundTrip sends r and reads the header of its response. The connection is closed, or
// back in the pool, when the response's body ends or is closed.
func (c *conn) roundTrip(r *http.Request, timeout time.Duration) (*http.Response, error) {
	ctx := r.Context()
	c.whole, c.written, c.answered = false, false, false
	c.reader = readers.Get().(*bufio.Reader)
	c.reader.Reset(c)
	c.unwatch = context.AfterFunc(ctx, c.abort)
	res, err := c.exchange(r, timeout)
	if err != nil {
		c.release(false)
		return nil, failure(ctx, err)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		if err := c.handOver(ctx, res); err != nil {
			c.release(false)
			return nil, failure(ctx, err)
		}
		return res, nil
	}
	keep := !res.Close && res.StatusCode >= 200
	if res.Body == http.NoBody {
		c.release(keep && !announcesBody(res))
		return res, nil
	}
	res.Body = &body{conn: c, ctx: ctx, from: res.Body, left: res.ContentLength, keep: keep}
	return res, nil
}

// announcesBody reports whether a response without a body, to HEAD or with status 304,
// has the header of one. A faulty upstream may send the body too, and later.
func announcesBody(res *http.Response) bool {
	length := res.Header.Get("Content-Length")
	return len(res.TransferEncoding) > 0 || length != "" && length != "0"
}

// exchange writes r and reads the header of its response.
func (c *conn) exchange(r *http.Request, timeout time.Duration) (*http.Response, error) {
	if timeout > 0 {
		c.SetDeadline(time.Now().Add(timeout))
	}
	failed := c.send(r)
	if failed != nil && (!isClosed(failed) || c.reused && !c.written) {
		return nil, failed // what has come is no answer to a request of which nothing has left
	}
	// Before the upstream closed the connection, it may have answered (431, say).
	res, err := c.receive(r)
	switch {
	case err != nil && failed != nil && !c.answered:
		return nil, failed
	case err != nil:
		return nil, err
	}
	res.Close = res.Close || failed != nil
	if timeout > 0 {
		c.SetReadDeadline(time.Time{})
	}
	c.readable = math.MaxInt64
	return res, nil
}

// send writes r.
func (c *conn) send(r *http.Request) error {
	w := writers.Get().(*bufio.Writer)
	w.Reset(c)
	defer func() {
		w.Reset(nil)
		writers.Put(w)
	}()
	if err := r.Write(w); err != nil {
		return err
	}
	c.whole = true
	return w.Flush()
}

// isClosed reports whether err is that of writing to a connection that the other side
// has closed.
func isClosed(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET)
}

// receive reads the header of the response to r, and of the interim ones before it.
func (c *conn) receive(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	for {
		c.readable = maxHeaderBytes
		res, err := http.ReadResponse(c.reader, r)
		switch {
		case err != nil:
			return nil, err
		case res.StatusCode == http.StatusSwitchingProtocols && asksToSwitch(r):
			return res, nil
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("response has status 101, but the request has no Upgrade")
		case res.StatusCode < 100 || res.StatusCode > 199:
			return res, nil
		case trace == nil || trace.Got1xxResponse == nil:
			continue
		}
		if err := trace.Got1xxResponse(res.StatusCode, textproto.MIMEHeader(res.Header)); err != nil {
			return nil, err
		}
	}
}

// again reports whether r, which ended with err on this connection, can be sent once
// more on another: the upstream has closed this one after an earlier request, and this
// one changes nothing, or has not left.
func (c *conn) again(r *http.Request, err error) bool {
	if err == nil || c.answered || r.Context().Err() != nil || isTimeout(err) {
		return false
	}
	return !c.written || r.Method != http.MethodDelete || r.Header["Idempotency-Key"] != nil
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// abort closes the connection while a request is under way.
func (c *conn) abort() { c.Conn.Close() }

// release ends the request under way. It keeps the connection for the next one if keep
// is set and nothing else has come.
func (c *conn) release(keep bool) {
	keep = c.unwatch() && keep && c.reader.Buffered() == 0 && c.quiet != nil
	c.putReader()
	c.unwatch = nil
	if !keep || !c.pool.put(c) {
		c.Conn.Close()
	}
}

// putReader gives the buffer back through which the connection was read.
func (c *conn) putReader() {
	c.reader.Reset(nil)
	readers.Put(c.reader)
	c.reader = nil
}

// readers and writers are the buffers of requests under way. An idle connection has none.
var (
	readers = sync.Pool{New: func() any { return bufio.NewReader(nil) }}
	writers = sync.Pool{New: func() any { return bufio.NewWriter(nil) }}
)
