package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// checkUpstream opens a connection to the upstream, with TLS for https, and looks at which
// protocol it speaks.
func checkUpstream(ctx context.Context, report *report, u config.Upstream, c *config.Config) {
	name := "upstream " + u.Prefix
	if isOver(ctx, report, name) {
		return
	}
	p := &upstreamProbe{address: u.URL.String(), host: c.PublicURL.Host, scheme: u.URL.Scheme}
	p.network, p.target = config.DialAddress(u.URL)
	conn, err := p.connect(ctx, c)
	if err != nil {
		hint := gateway.Upstream(u).Hint(err)
		if p.scheme == "https" && !isTLS(err) && p.speaksHTTP(ctx) {
			hint = "it does not speak TLS: use http:// in WXGATE_UPSTREAM"
		}
		report.fail(name, err.Error(), hint)
		return
	}
	defer conn.Close()
	found := p.wrongProtocol(ctx, conn)
	if isAlert(found.err) { // TLS 1.3: after the handshake
		found = wrongProtocol{found.err.Error(), gateway.Upstream(u).Hint(found.err), nil}
	}
	if found.says != "" {
		report.fail(name, p.address+" "+found.says, found.hint)
		return
	}
	report.pass(name, p.address+" accepts connections")
}

// isTLS reports whether err, of a connection over TLS, means that the server speaks it.
func isTLS(err error) bool {
	_, unverified := errors.AsType[*tls.CertificateVerificationError](err)
	return unverified || isAlert(err)
}

// An upstreamProbe asks an upstream which protocol it speaks.
type upstreamProbe struct {
	address, scheme string // of the upstream, as it was given
	network, target string // for a dialer
	host            string // that visitors ask for
}

// connect opens a connection as the gateway does.
func (p *upstreamProbe) connect(ctx context.Context, c *config.Config) (net.Conn, error) {
	plain := &net.Dialer{Timeout: checkTimeout / 4}
	if p.scheme != "https" {
		return plain.DialContext(ctx, p.network, p.target)
	}
	secure := &tls.Dialer{NetDialer: plain, Config: &tls.Config{
		RootCAs: c.UpstreamCAs, NextProtos: []string{"h2", "http/1.1"},
	}}
	return secure.DialContext(ctx, p.network, p.target)
}

// A wrongProtocol is what is wrong with the protocol of an upstream. The zero value:
// nothing.
type wrongProtocol struct {
	says, hint string
	err        error // of the request that found it
}

// answersByTLS is wrong with an upstream whose address says that it has no TLS.
var answersByTLS = wrongProtocol{
	"answers by TLS", "use https:// in WXGATE_UPSTREAM, or name the port without TLS", nil,
}

// wrongProtocol asks the server at the other end of conn. An HTTP server is asked for the
// header of its home page first, and nothing else is tried if it answers: nothing odd
// shall stand in its log. A slow answer is none that is wrong.
func (p *upstreamProbe) wrongProtocol(ctx context.Context, conn net.Conn) wrongProtocol {
	if p.scheme == "h2c" {
		return p.wrongHTTP2(ctx, conn)
	}
	if secure, ok := conn.(*tls.Conn); ok && secure.ConnectionState().NegotiatedProtocol == "h2" {
		return wrongProtocol{}
	}
	status, err := askHead(ctx, conn, p.host)
	switch {
	case isTimeout(err), err == nil && status != http.StatusBadRequest:
		return wrongProtocol{}
	case p.scheme == "https":
		return p.noHTTP(err)
	case p.network == "tcp" && speaksTLS(ctx, p.target):
		return answersByTLS
	case err != nil && p.speaksHTTP2(ctx):
		return wrongProtocol{"speaks HTTP/2 only", "use h2c:// in WXGATE_UPSTREAM, or let it speak HTTP/1 too", err}
	default:
		return p.noHTTP(err)
	}
}

// noHTTP says that an answer is no HTTP, if err, of reading it, says so. A server that
// broke off may have its reasons.
func (p *upstreamProbe) noHTTP(err error) wrongProtocol {
	if !isMalformed(err) {
		return wrongProtocol{err: err}
	}
	return wrongProtocol{"answers, but not by HTTP", "correct the port in WXGATE_UPSTREAM", err}
}

// wrongHTTP2 is [upstreamProbe.wrongProtocol] for h2c.
func (p *upstreamProbe) wrongHTTP2(ctx context.Context, conn net.Conn) wrongProtocol {
	switch {
	case beginsHTTP2(ctx, conn):
		return wrongProtocol{}
	case p.network == "tcp" && speaksTLS(ctx, p.target):
		return answersByTLS
	case p.speaksHTTP(ctx):
		return wrongProtocol{"speaks HTTP/1 only", "use http:// in WXGATE_UPSTREAM", nil}
	default:
		return wrongProtocol{"does not answer by HTTP/2", "correct WXGATE_UPSTREAM: h2c:// is HTTP/2 without TLS", nil}
	}
}

// speaksHTTP reports whether the server speaks HTTP/1 without TLS.
func (p *upstreamProbe) speaksHTTP(ctx context.Context) bool {
	return p.onPlain(ctx, func(conn net.Conn) bool {
		_, err := askHead(ctx, conn, p.host)
		return err == nil
	})
}

// speaksHTTP2 reports whether the server speaks HTTP/2 without TLS.
func (p *upstreamProbe) speaksHTTP2(ctx context.Context) bool {
	return p.onPlain(ctx, func(conn net.Conn) bool { return beginsHTTP2(ctx, conn) })
}

// onPlain calls ask with a new connection without TLS.
func (p *upstreamProbe) onPlain(ctx context.Context, ask func(net.Conn) bool) bool {
	conn, err := (&net.Dialer{Timeout: checkTimeout / 10}).DialContext(ctx, p.network, p.target)
	if err != nil {
		return false
	}
	defer conn.Close()
	return ask(conn)
}
