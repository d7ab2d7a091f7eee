package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// checkUpstream opens a connection to the upstream, with TLS for https.
func checkUpstream(ctx context.Context, report *report, u config.Upstream, c *config.Config) {
	name := "upstream " + u.Prefix
	if isOver(ctx, report, name) {
		return
	}
	network, address := config.DialAddress(u.URL)
	plain := &net.Dialer{Timeout: checkTimeout / 4}
	dial := plain.DialContext
	if u.URL.Scheme == "https" {
		dial = (&tls.Dialer{NetDialer: plain, Config: &tls.Config{RootCAs: c.UpstreamCAs}}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		report.fail(name, err.Error(), upstreamHint(err))
		return
	}
	if u.URL.Scheme == "http" || u.URL.Scheme == "h2c" {
		if answersByTLS(ctx, conn, address, c.PublicURL.Host, u.URL.Scheme == "http") {
			report.fail(name, u.URL.String()+" answers by TLS",
				"use https:// in WXGATE_UPSTREAM, or name the port without TLS")
			return
		}
	}
	conn.Close()
	report.pass(name, u.URL.String()+" accepts connections")
}

// answersByTLS reports whether the server at the other end of conn expects TLS. An HTTP
// server is asked for the header of its home page first, and nothing else is tried if
// it answers: no TLS hello shall stand in its log.
func answersByTLS(ctx context.Context, conn net.Conn, address, host string, isHTTP bool) bool {
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout/10)
	defer cancel()
	if end, _ := ctx.Deadline(); isHTTP && conn.SetDeadline(end) == nil {
		fmt.Fprintf(conn, "HEAD / HTTP/1.1\r\nHost: %s\r\nUser-Agent: wxgate check\r\nConnection: close\r\n\r\n", host)
		res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodHead})
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return false // slow, as a page may be
		}
		if err == nil && res.StatusCode != http.StatusBadRequest {
			return false
		}
	}
	return speaksTLS(ctx, address)
}

// expectsTLS reports whether the server at an address that begins with http:// expects TLS.
func expectsTLS(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout/10)
	defer cancel()
	_, address = config.DialAddress(u)
	return speaksTLS(ctx, address)
}

// speaksTLS reports whether the server at an address answers a TLS hello by TLS.
func speaksTLS(ctx context.Context, address string) bool {
	// Only the kind of answer counts: nothing is sent over the connection.
	dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	secure, err := dialer.DialContext(ctx, "tcp", address)
	if err == nil {
		secure.Close()
		return true
	}
	remote, ok := errors.AsType[*net.OpError](err)
	return ok && remote.Op == "remote error" // package tls's word for an alert
}

// isPlain reports whether err, of a connection over TLS, means that the server does not
// speak TLS.
func isPlain(err error) bool {
	_, noRecord := errors.AsType[tls.RecordHeaderError](err)
	return noRecord || errors.Is(err, http.ErrSchemeMismatch)
}

// upstreamHint returns what an operator can do about an error of a connection to
// an upstream.
func upstreamHint(err error) string {
	if isPlain(err) {
		return "it does not speak TLS: use http:// in WXGATE_UPSTREAM"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "set WXGATE_UPSTREAM_CA_FILE to a file with the CA that signed its certificate"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "give it a certificate that is valid now for the name in WXGATE_UPSTREAM, or correct the name"
	}
	return "start it, or correct WXGATE_UPSTREAM"
}
