package direct_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// moving is a transport whose bodies are moved, not read.
type moving struct{ http.RoundTripper }

func (m moving) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := m.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if from, ok := res.Body.(io.WriterTo); ok {
		res.Body = &movedBody{ReadCloser: res.Body, from: from}
	}
	return res, nil
}

// movedBody moves the whole body at the first Read.
type movedBody struct {
	io.ReadCloser
	from io.WriterTo
	got  bytes.Buffer
	end  error
}

func (b *movedBody) Read(p []byte) (int, error) {
	if b.end == nil {
		b.end = io.EOF
		if _, err := b.from.WriteTo(&b.got); err != nil {
			b.end = err
		}
	}
	if b.got.Len() == 0 {
		return 0, b.end
	}
	return b.got.Read(p)
}

// readerFrom counts what it reads from a connection.
type readerFrom struct {
	bytes.Buffer
	direct int64
}

func (r *readerFrom) ReadFrom(src io.Reader) (int64, error) {
	n, err := r.Buffer.ReadFrom(src)
	if limited, ok := src.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*net.TCPConn); ok {
			r.direct += n
		}
	}
	return n, err
}

// A body whose length is known is read from the connection by the writer that gets it.
func TestMovedBody(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789", 1000)
	long := page + "Content-Length: 10000\r\n\r\n"
	for _, test := range []struct {
		name, head string
		body       string
		read       int // bytes that are read before
		failure    error
		again      bool // the connection is used again
	}{
		{"whole", long, text, 0, nil, true},
		{"after a part", long, text, 10, nil, true},
		{"after all", long, text, len(text), nil, true},
		{"cut", long, text[:9999] + hangUp, 0, io.ErrUnexpectedEOF, false},
		{"surplus", long, text + "more", 0, nil, false},
		{"the connection closes", page + "Connection: close\r\nContent-Length: 10000\r\n\r\n", text, 0, nil, false},
		{"no length", page + "\r\n", text + hangUp, 0, nil, false},
		{"chunked", page + "Transfer-Encoding: chunked\r\n\r\n", "2710\r\n" + text + "\r\n0\r\n\r\n", 0, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newPeer(t, time.Minute)
			var to readerFrom
			done := make(chan error, 1)
			go func() {
				res, err := send(t.Context(), p.transport, http.MethodGet, nil)
				if err != nil {
					done <- err
					return
				}
				defer res.Body.Close()
				io.CopyN(&to.Buffer, res.Body, int64(test.read))
				n, err := res.Body.(io.WriterTo).WriteTo(&to)
				if n != int64(to.Len()-test.read) {
					t.Errorf("WriteTo = %d, want the %d bytes that it wrote", n, to.Len()-test.read)
				}
				done <- err
			}()
			c := <-p.accepted
			c.request(t)
			answer(t, c, test.head)
			body, ends := strings.CutSuffix(test.body, hangUp)
			answer(t, c, body)
			if ends {
				c.Close()
			}
			if err := <-done; !errors.Is(err, test.failure) {
				t.Errorf("WriteTo ends with %v, want %v", err, test.failure)
			}
			if got := to.String(); got != text && test.failure == nil || !strings.HasPrefix(text, got) {
				t.Errorf("got %d bytes, want the %d of the body", len(got), len(text))
			}
			if moves := strings.Contains(test.head, "Content-Length") && test.read < len(text); (to.direct > 0) != moves {
				t.Errorf("the writer has read %d bytes from the connection", to.direct)
			}
			if test.again {
				end := p.start(t.Context(), t)
				c.request(t)
				answer(t, c, whole)
				if text, err := end(); text != "hello" || err != nil {
					t.Errorf("next response: %q, %v", text, err)
				}
			} else if !ends {
				p.start(t.Context(), t) // finds that the connection cannot be used
				c.ended(t)
			}
		})
	}
}

// The end of a moved body stays its end.
func TestMovedAfterEnd(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	done := make(chan struct{})
	go func() {
		defer close(done)
		res, err := send(t.Context(), p.transport, http.MethodGet, nil)
		if err != nil {
			t.Error(err)
			return
		}
		body := res.Body.(io.WriterTo)
		if n, err := body.WriteTo(new(bytes.Buffer)); n != 5 || err != nil {
			t.Errorf("WriteTo = %d, %v, want 5", n, err)
		}
		if n, err := body.WriteTo(new(bytes.Buffer)); n != 0 || err != nil {
			t.Errorf("after the end: WriteTo = %d, %v, want 0", n, err)
		}
		if n, err := res.Body.Read(make([]byte, 1)); n > 0 || err != io.EOF {
			t.Errorf("after the end: %d bytes, %v, want the end again", n, err)
		}
		res.Body.Close()
		if n, err := body.WriteTo(new(bytes.Buffer)); n > 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("after Close: WriteTo = %d, %v", n, err)
		}
	}()
	c := <-p.accepted
	c.request(t)
	answer(t, c, whole)
	<-done
}

// A visitor who leaves ends the move, and the connection.
func TestMovedVisitorLeaves(t *testing.T) {
	t.Parallel()
	p := newPeer(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		res, err := send(ctx, p.transport, http.MethodGet, nil)
		if err != nil {
			done <- err
			return
		}
		defer res.Body.Close()
		_, err = res.Body.(io.WriterTo).WriteTo(leaving{io.Discard, cancel})
		done <- err
	}()
	c := <-p.accepted
	c.request(t)
	answer(t, c, page+"Content-Length: 1000000\r\n\r\nhalf")
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("WriteTo = %v, want %v", err, context.Canceled)
	}
	c.ended(t)
}

// leaving calls leave when it begins to read.
type leaving struct {
	io.Writer
	leave func()
}

func (l leaving) ReadFrom(src io.Reader) (int64, error) {
	l.leave()
	return io.Copy(l.Writer, src)
}

// failing is a visitor's connection that takes nothing.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func (f failing) ReadFrom(io.Reader) (int64, error) { return 0, f.err }

// What the visitor does is no failure of the upstream.
func TestMovedToNobody(t *testing.T) {
	t.Parallel()
	for _, err := range []error{os.ErrDeadlineExceeded, &net.OpError{Op: "write", Err: syscall.EPIPE}} {
		for _, head := range []string{"", "0123"} { // comes with the header
			p := newPeer(t, time.Minute)
			go func() {
				c := <-p.accepted
				c.request(t)
				answer(t, c, page+"Content-Length: 10\r\n\r\n"+head)
			}()
			res, failure := send(t.Context(), p.transport, http.MethodGet, nil)
			if failure != nil {
				t.Fatal(failure)
			}
			if _, got := res.Body.(io.WriterTo).WriteTo(failing{err}); got != context.Canceled {
				t.Errorf("WriteTo = %v after %v, want %v", got, err, context.Canceled)
			}
		}
	}
}
