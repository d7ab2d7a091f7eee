package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// checkUpstream opens a connection to the upstream, with TLS for https.
func checkUpstream(ctx context.Context, report *report, u config.Upstream, c *config.Config) {
	name := "upstream " + u.Prefix
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
	conn.Close()
	report.pass(name, u.URL.String()+" accepts connections")
}

// upstreamHint returns what an operator can do about an error of a connection to
// an upstream.
func upstreamHint(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
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
