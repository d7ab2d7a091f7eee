// Package forward holds the transport, the body error and the error log that the
// gateway and the API relay use with [net/http/httputil.ReverseProxy].
package forward

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

const (
	// MaxIdle limits the idle connections to one upstream. Under load, each request above
	// it opens a connection and closes it.
	MaxIdle = 1024
	// IdleTimeout is how long a connection may be idle.
	IdleTimeout = 90 * time.Second
)

// NewTransport returns a transport that does not decompress bodies. headerTimeout
// limits the wait for a response header.
func NewTransport(headerTimeout time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:           NewDialer().DialContext,
		DisableCompression:    true,
		WriteBufferSize:       8 << 10, // a chunk of 4 KiB and its length leave in one piece
		MaxIdleConnsPerHost:   MaxIdle, // the default of 2 would close most connections under load
		IdleConnTimeout:       IdleTimeout,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ResponseHeaderTimeout: headerTimeout,
	}
}

// NewDialer returns the dialer of [NewTransport].
func NewDialer() *Dialer {
	return &Dialer{net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}}
}

// Body is a request body whose read errors are a [*BodyError]. They distinguish a
// client that aborts an upload from an upstream that fails.
type Body struct {
	io.ReadCloser
	late atomic.Bool
}

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			b.late.Store(true)
		}
		err = &BodyError{err}
	}
	return n, err
}

// Late reports whether a read ended at a deadline of the server. net/http cancels
// the request's context too then, as if the client had left.
func (b *Body) Late() bool { return b.late.Load() }

// BodyError is an error of reading the client's body.
type BodyError struct{ Err error }

// Error returns what was tried and the cause.
func (e *BodyError) Error() string { return "read request body: " + e.Err.Error() }

// Unwrap returns the error of the read.
func (e *BodyError) Unwrap() error { return e.Err }

// Unquoted returns an error with the text of err up to the first quotation mark.
// After it, net/http quotes a part of the response, which may contain an openid, a
// cookie or a token that must not be logged.
func Unquoted(err error) error {
	text, _, _ := strings.Cut(err.Error(), `"`)
	return errors.New(text)
}

// ErrorLog returns a [log.Logger] for [net/http/httputil.ReverseProxy.ErrorLog] that
// writes to logger at debug level what [Unquoted] leaves of a line.
func ErrorLog(logger zerolog.Logger) *log.Logger {
	return log.New(debugWriter{logger}, "", 0)
}

type debugWriter struct{ logger zerolog.Logger }

func (d debugWriter) Write(line []byte) (int, error) {
	text, _, _ := strings.Cut(string(line), `"`)
	d.logger.Debug().Str("detail", strings.TrimSpace(text)).Msg("reverse proxy")
	return len(line), nil
}
