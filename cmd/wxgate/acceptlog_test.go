package main

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/extauthz"
)

// failingListener fails to accept a number of times, then has no connection.
type failingListener struct {
	*pipeListener
	errs []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	}
	return l.pipeListener.Accept()
}

// All servers go on after errors that pass, and end after one of the listener.
// One line a minute says so.
func TestServingGoesOnAfterAcceptErrors(t *testing.T) {
	t.Parallel()
	var many []error
	for range 120 { // the servers wait for a second between two
		many = append(many, syscall.EMFILE)
	}
	for _, tt := range []struct {
		name  string
		errs  []error
		lines int
		ends  bool
	}{
		{"files of the process", []error{syscall.EMFILE, syscall.EMFILE}, 1, false},
		{"files of the system", []error{syscall.ENFILE}, 1, false},
		{"memory", []error{syscall.ENOMEM, syscall.ENOBUFS}, 1, false},
		{"firewall", []error{syscall.EPERM}, 1, false},
		{"network of one connection", []error{syscall.ENETDOWN, syscall.EPROTO, syscall.ECONNABORTED}, 1, false},
		{"two minutes", many, 2, false},
		{"no socket", []error{syscall.EMFILE, syscall.EBADF}, 1, true},
	} {
		for _, kind := range []string{"http", "gRPC"} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var lines bytes.Buffer
					logger := zerolog.New(&lines)
					var s service = newHTTPServer(http.NotFoundHandler(), zerolog.Nop(), 0)
					if kind == "gRPC" {
						s = extauthz.New(http.NotFoundHandler(), zerolog.Nop())
					}
					l := &failingListener{&pipeListener{make(chan net.Conn), make(chan struct{})}, tt.errs}
					ended := make(chan error, 1)
					go func() { ended <- s.Serve(newAcceptLog(l, logger)) }()
					time.Sleep(10 * time.Minute)
					if !tt.ends {
						s.Close()
					}
					if err := <-ended; errors.Is(err, http.ErrServerClosed) == tt.ends {
						t.Errorf("Serve = %v, want an error of the listener: %t", err, tt.ends)
					}
					if n := strings.Count(lines.String(), `"level":"error"`); n != tt.lines {
						t.Errorf("log %s, want %d lines at level error", &lines, tt.lines)
					}
				})
			})
		}
	}
}
