// Package forward holds what the gateway and the API relay have in common as
// users of [net/http/httputil.ReverseProxy].
package forward

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// NewTransport returns a transport that passes bodies on as they are. It waits
// for an answer's header for at most the given time.
func NewTransport(headerTimeout time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:           NewDialer().DialContext,
		DisableCompression:    true,
		MaxIdleConnsPerHost:   256, // the default of 2 would close most connections under load
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		ResponseHeaderTimeout: headerTimeout,
	}
}

// NewDialer returns the dialer of [NewTransport].
func NewDialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
}

// Body is a request's body whose read errors are a [*BodyError], so that a
// client who breaks off an upload can be told from an upstream that fails.
type Body struct{ io.ReadCloser }

// Read implements [io.Reader].
func (b Body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = &BodyError{err}
	}
	return n, err
}

// BodyError says that the client's body could not be read.
type BodyError struct{ Err error }

func (e *BodyError) Error() string { return "read request body: " + e.Err.Error() }

// Unwrap returns the error of the read.
func (e *BodyError) Unwrap() error { return e.Err }

// Unquoted returns err for the log without what net/http quotes in it: a piece
// of the answer, which may hold an openid, a cookie or a token.
func Unquoted(err error) error {
	text, _, _ := strings.Cut(err.Error(), `"`)
	return errors.New(text)
}

// ErrorLog returns a logger for ReverseProxy's own messages, which go to logger
// at debug level.
func ErrorLog(logger zerolog.Logger) *log.Logger {
	return log.New(debugWriter{logger}, "", 0)
}

type debugWriter struct{ logger zerolog.Logger }

func (d debugWriter) Write(line []byte) (int, error) {
	d.logger.Debug().Str("detail", strings.TrimSpace(string(line))).Msg("proxy")
	return len(line), nil
}
