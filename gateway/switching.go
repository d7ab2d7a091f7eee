package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/wxgate/wxgate/gateway/internal/direct"
	"github.com/wxgate/wxgate/gateway/internal/tunnel"
)

// errSwitched ends the work of ReverseProxy on a request whose connection has switched
// protocols. ReverseProxy itself would keep the handler, and with it all that the server
// holds of a request, until the connection ends: several times what the connection needs.
var errSwitched = errors.New("switched protocols")

// switchProtocols sends the visitor an upstream's response with status 101. The tunnel
// begins when the handler has returned.
func (f *forwarding) switchProtocols(res *http.Response) error {
	site, ok := res.Body.(io.ReadWriteCloser)
	asked, got := upgradeType(res.Request.Header), upgradeType(res.Header)
	if !ok || asked == "" || !strings.EqualFold(asked, got) {
		return errors.New("response has status 101, but switches to another protocol than the request")
	}
	conn, rw, err := f.answer.Hijack()
	if err != nil {
		return fmt.Errorf("take over the connection: %w", err)
	}
	early, err := buffered(rw.Reader)
	if err == nil {
		err = writeHeader(rw.Writer, res, f.answer.Header())
	}
	res.Body = http.NoBody // ReverseProxy closes it
	if err != nil {        // the visitor has left
		conn.Close()
		site.Close()
		return errSwitched
	}
	visitor, upstream := tunnel.Side{ReadWriteCloser: conn, Early: early}, tunnel.Side{ReadWriteCloser: site}
	if unread, ok := site.(*direct.Switched); ok {
		upstream.Early = unread.Early()
	}
	f.answer.tunnel = &tunnel.Tunnel{
		Sides: [2]tunnel.Side{visitor, upstream}, Buffers: f.BufferPool, Logger: f.site.logger,
	}
	return errSwitched
}

// upgradeType returns the protocol that a header asks to switch to; "" if none.
func upgradeType(h http.Header) string {
	if !httpguts.HeaderValuesContainsToken(h["Connection"], "Upgrade") {
		return ""
	}
	return h.Get("Upgrade")
}

// buffered returns the bytes that the visitor has sent already.
func buffered(r *bufio.Reader) ([]byte, error) {
	p, err := r.Peek(r.Buffered())
	return bytes.Clone(p), err
}

// writeHeader sends the header of a response, and the fields of h too.
func writeHeader(w *bufio.Writer, res *http.Response, h http.Header) error {
	for name, values := range res.Header {
		h[name] = append(h[name], values...)
	}
	res.Header, res.Body = h, nil
	if err := res.Write(w); err != nil {
		return err
	}
	return w.Flush()
}
