package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/wxgate/wxgate/gateway/internal/forward"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

// upstreamFailure returns the answer to a request whose forwarding to u ended with err.
func upstreamFailure(u Upstream, err error) *refusal.Error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return refusal.BodyTooLarge()
	}
	if _, ok := errors.AsType[*forward.BodyError](err); ok {
		return refusal.InvalidRequest(forward.Unquoted(err))
	}
	e := refusal.UpstreamUnavailable(forward.Unquoted(err))
	if isTimeout(err) {
		e = refusal.UpstreamTimeout(forward.Unquoted(err))
	}
	e.Upstream, e.Hint = u.name(), u.Hint(err)
	return e
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}

// name returns the address of the upstream for the log: scheme and host, or the path of
// the socket.
func (u Upstream) name() string {
	if u.URL.Scheme == "unix" {
		return "unix://" + u.URL.Path
	}
	return u.URL.Scheme + "://" + u.URL.Host
}

// Hint returns what an operator can do about an error of a connection or a request to
// the upstream. It holds nothing of the error's text.
func (u Upstream) Hint(err error) string {
	if hint := u.tlsHint(err); hint != "" {
		return hint
	}
	if hint := connectHint(err); hint != "" {
		return hint
	}
	// net/http does not export what its errors say about the protocol.
	switch text := err.Error(); {
	case isTimeout(err):
		return "look at what it does with this request, or raise WXGATE_UPSTREAM_TIMEOUT"
	case u.URL.Scheme == "h2c":
		return "if it speaks HTTP/1 only, use http:// in WXGATE_UPSTREAM; otherwise read its log"
	case !isBrokenOff(err) && strings.Contains(text, "malformed HTTP"):
		return "it does not speak HTTP/1: correct the port in WXGATE_UPSTREAM, or write h2c:// or https:// there"
	case !isBrokenOff(err):
		return "its answer breaks the rules of HTTP: correct it, or the port in WXGATE_UPSTREAM"
	case u.URL.Scheme == "http":
		return "read its log: it broke off the connection; if it expects TLS, use https:// in WXGATE_UPSTREAM"
	default:
		return "read its log: it broke off the connection"
	}
}

// isBrokenOff reports whether the upstream ended a connection too early.
func isBrokenOff(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return true
	}
	text := err.Error() // net/http's errors do not always wrap the cause
	return strings.HasSuffix(text, "EOF") || strings.Contains(text, "server closed idle connection")
}

// connectHint returns the hint for an error of a connection that did not come about;
// empty for others.
func connectHint(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "correct the host in WXGATE_UPSTREAM, or the DNS"
	}
	dial, ok := errors.AsType[*net.OpError](err)
	switch {
	case !ok || dial.Op != "dial":
		return ""
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return "start it, or correct WXGATE_UPSTREAM"
	case errors.Is(err, syscall.EMFILE):
		return "raise the limit of open files (ulimit -n, LimitNOFILE of systemd)"
	case errors.Is(err, fs.ErrPermission):
		return "allow wxgate's user to write to the socket"
	default:
		return "check that this machine can reach it (network, firewall), or correct WXGATE_UPSTREAM"
	}
}

// tlsHint returns the hint for an error of TLS; empty for others.
func (u Upstream) tlsHint(err error) string {
	_, noRecord := errors.AsType[tls.RecordHeaderError](err)
	if noRecord || errors.Is(err, http.ErrSchemeMismatch) {
		return "it does not speak TLS: use http:// in WXGATE_UPSTREAM"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "set WXGATE_UPSTREAM_CA_FILE to a file with the CA that signed its certificate"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "give it a certificate that is valid now for the name in WXGATE_UPSTREAM, or correct the name"
	}
	// Package tls does not export the alerts that a server sends.
	switch text := err.Error(); {
	case strings.Contains(text, "tls: certificate required"), strings.Contains(text, "tls: bad certificate"):
		return "let it accept clients without a certificate: wxgate has none"
	case strings.Contains(text, "tls: "):
		return "read its log: it refuses the TLS connection"
	case strings.Contains(text, "TLS handshake timeout"):
		return "if it does not speak TLS, use http:// in WXGATE_UPSTREAM; otherwise look at its load"
	case u.URL.Scheme == "https" && isBrokenOff(err):
		return "read its log: it broke off the connection; if it does not speak TLS, use http:// in WXGATE_UPSTREAM"
	}
	return ""
}
