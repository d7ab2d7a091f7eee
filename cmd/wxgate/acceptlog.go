package main

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/rs/zerolog"
)

// acceptLog is a listener that logs errors of accepting connections, one a minute.
// The servers try again after each of them, but for those of the listener itself.
type acceptLog struct {
	net.Listener
	logger zerolog.Logger
}

func newAcceptLog(l net.Listener, logger zerolog.Logger) *acceptLog {
	return &acceptLog{l, logger.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute})}
}

// Accept implements [net.Listener].
func (l *acceptLog) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil || errors.Is(err, net.ErrClosed) {
		return conn, err
	}
	event := l.logger.Error().Err(err)
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		event = event.Str("hint", "raise the limit of open files (ulimit -n, LimitNOFILE of systemd)")
	}
	event.Msg("accept failed")
	return nil, acceptError{err}
}

// acceptError is an error of accepting a connection.
type acceptError struct{ error }

// Unwrap returns the error of the listener.
func (e acceptError) Unwrap() error { return e.error }

// Timeout implements [net.Error].
func (e acceptError) Timeout() bool { return false }

// Temporary implements [net.Error]. net/http and gRPC stop serving after an error
// that is not temporary. Linux also returns errors of one connection from accept,
// and a lack of memory: both pass.
func (e acceptError) Temporary() bool {
	for _, broken := range []error{syscall.EBADF, syscall.EINVAL, syscall.ENOTSOCK} {
		if errors.Is(e.error, broken) {
			return false
		}
	}
	return true
}
