package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http2"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// limitProbe limits the time that one question to a server may take on conn.
func limitProbe(ctx context.Context, conn net.Conn) {
	end := time.Now().Add(checkTimeout / 10)
	if all, ok := ctx.Deadline(); ok && all.Before(end) {
		end = all
	}
	conn.SetDeadline(end)
}

// askHead asks the server at the other end of conn for the header of its home page, by
// HTTP/1, and returns the status.
func askHead(ctx context.Context, conn net.Conn, host string) (status int, err error) {
	limitProbe(ctx, conn)
	fmt.Fprintf(conn, "HEAD / HTTP/1.1\r\nHost: %s\r\nUser-Agent: wxgate check\r\nConnection: close\r\n\r\n", host)
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodHead})
	if err != nil {
		return 0, err
	}
	return res.StatusCode, nil
}

// beginsHTTP2 reports whether the server at the other end of conn begins HTTP/2.
func beginsHTTP2(ctx context.Context, conn net.Conn) bool {
	limitProbe(ctx, conn)
	io.WriteString(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, bufio.NewReader(conn))
	framer.WriteSettings()
	frame, err := framer.ReadFrame()
	if err != nil {
		return false
	}
	_, settings := frame.(*http2.SettingsFrame)
	return settings
}

// isTimeout reports whether err means that a server took too long.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// isMalformed reports whether err, of reading an answer by HTTP/1, means that it is none.
// net/http does not export the kinds of these errors.
func isMalformed(err error) bool {
	return err != nil && strings.Contains(err.Error(), "malformed HTTP")
}

// expectsTLS reports whether the server at an address that begins with http:// expects TLS.
func expectsTLS(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	_, address = config.DialAddress(u)
	return speaksTLS(ctx, address)
}

// speaksTLS reports whether the server at an address answers a TLS hello by TLS.
func speaksTLS(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout/10)
	defer cancel()
	// Only the kind of answer counts: nothing is sent over the connection.
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	secure, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		secure.Close()
		return true
	}
	return isAlert(err)
}

// isAlert reports whether err is a TLS alert of the server.
func isAlert(err error) bool {
	remote, ok := errors.AsType[*net.OpError](err)
	return ok && remote.Op == "remote error" // package tls's word for it
}

// isPlain reports whether err, of a connection over TLS, means that the server does not
// speak TLS.
func isPlain(err error) bool {
	_, noRecord := errors.AsType[tls.RecordHeaderError](err)
	return noRecord || errors.Is(err, http.ErrSchemeMismatch)
}
