package redisstore

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// peeks remembers of the servers that were connected to how their answers begin, and
// when their certificates end.
type peeks struct {
	mu      sync.Mutex
	begins  map[string]string
	end     time.Time     // of the first certificate to end
	slowest time.Duration // of the connections that were made
}

// A peek is a connection that remembers how the first answer begins.
type peek struct {
	net.Conn
	address string
	all     *peeks
}

// peekBytes is the length of what is remembered: HTTP/ and the header of a TLS record
// have it.
const peekBytes = 5

func (c *peek) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if begin := c.all.begins[c.address]; len(begin) < peekBytes {
		c.all.begins[c.address] = begin + string(b[:min(n, peekBytes-len(begin))])
	}
	return n, err
}

// dial connects as rueidis does, and peeks.
func (p *prober) dial(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	dial := dialer.DialContext
	if config != nil {
		dial = (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext
	}
	begin := time.Now()
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.slowest = max(p.slowest, time.Since(begin))
	p.mu.Unlock()
	if secure, ok := conn.(*tls.Conn); ok {
		p.certificate(secure.ConnectionState())
	}
	return &peek{conn, address, &p.peeks}, nil
}

// certificate notes when the certificate of a connection ends.
func (p *prober) certificate(state tls.ConnectionState) {
	end := state.PeerCertificates[0].NotAfter
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end.IsZero() || end.Before(p.end) {
		p.end = end
	}
}

// explain returns an error that says which protocol the server speaks, if it is
// another one than that of the address; else err.
func (p *prober) explain(ctx context.Context, address string, err error) error {
	p.mu.Lock()
	begin := p.begins[address]
	p.mu.Unlock()
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		begin = string(record.RecordHeader[:])
	}
	switch {
	case strings.HasPrefix(begin, "HTTP/"):
		return &problem{
			"the server speaks HTTP, not the protocol of Redis", "correct host and port in WXGATE_REDIS_URL",
		}
	case strings.HasPrefix(begin, "SSH-"):
		return &problem{"the server speaks SSH, not the protocol of Redis", "correct host and port in WXGATE_REDIS_URL"}
	case isAnswer(err):
		return err
	case !p.address.TLS && speaksTLS(ctx, address):
		return &problem{"the server speaks TLS alone", "write rediss in place of redis in WXGATE_REDIS_URL"}
	case p.address.TLS && speaksRedis(ctx, address):
		return &problem{"the server does not speak TLS", "write redis in place of rediss in WXGATE_REDIS_URL"}
	case p.address.TLS:
		return cmp.Or(p.alert(ctx, address), err)
	}
	return err
}

// alert returns the alert by which the server ends a TLS connection; nil if it sends
// none. A server that asks for a certificate of the client does so after the
// handshake, and rueidis most often sees only that it cannot write.
func (p *prober) alert(ctx context.Context, address string) error {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: dialTimeout}, Config: p.address.tlsConfig(p.cas)}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(dialTimeout))
	if _, err := conn.Read(make([]byte, 1)); err != nil && tlsHint(err) != "" {
		return err
	}
	return nil
}

// isAnswer reports whether a server of the address's protocol has sent the error, or
// caused it by its certificate.
func isAnswer(err error) bool {
	_, refused := errors.AsType[*rueidis.RedisError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return refused || untrusted || errors.Is(err, rueidis.ErrNoCache)
}

// speaksTLS reports whether the server makes a TLS connection, or would if the client
// trusted its certificate.
func speaksTLS(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, err := (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext(ctx, "tcp", address)
	if err == nil {
		conn.Close()
		return true
	}
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return untrusted
}

// speaksRedis reports whether the server answers a plain PING.
func speaksRedis(ctx context.Context, address string) bool {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(dialTimeout))
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	first := make([]byte, 1)
	n, _ := conn.Read(first)
	return n == 1 && strings.Contains("+-", string(first))
}
