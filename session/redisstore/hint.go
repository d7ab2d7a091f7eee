package redisstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/redis/rueidis"
)

// A problem is an error whose text says what is wrong.
type problem struct {
	text string
	hint string // what an operator can do about it
}

func (p *problem) Error() string { return p.text }

// Hint returns what an operator can do about an error of Redis; empty for no error.
// It holds nothing of the error's text.
func Hint(err error) string {
	if err == nil {
		return ""
	}
	if p, ok := errors.AsType[*problem](err); ok {
		return p.hint
	}
	if refused, ok := errors.AsType[*rueidis.RedisError](err); ok {
		return refusalHint(refused.Error())
	}
	if errors.Is(err, rueidis.ErrNoCache) {
		return refusalHint(err.Error())
	}
	if errors.Is(err, rueidis.ErrDoCacheAborted) {
		return permissionHint // a user without transactions; a full Redis refuses writes too
	}
	if hint := tlsHint(err); hint != "" {
		return hint
	}
	return connectionHint(err)
}

// permissionHint names all that wxgate may do in Redis.
const permissionHint = "allow the user of WXGATE_REDIS_URL what wxgate needs, such as: ACL SETUSER wxgate " +
	"~wxgate:* &wxgate:* +@read +@write +@connection +@pubsub +@scripting +@transaction -@dangerous " +
	"+time +info +role +cluster|slots +cluster|shards"

// refusals are texts that error answers of Redis hold, and what to do about each.
var refusals = []struct{ holds, hint string }{
	{"WRONGPASS", "correct user and password in WXGATE_REDIS_URL"},
	{"invalid password", "correct the password in WXGATE_REDIS_URL"},
	{"wrong number of arguments for 'auth'", "leave out the user in WXGATE_REDIS_URL (redis://:password@host): " +
		"Redis before version 6 has passwords alone"},
	{"NOAUTH", "give the password in WXGATE_REDIS_URL: redis://:password@host, or user:password@host"},
	{"without any password configured", "remove the password from WXGATE_REDIS_URL, or set one in Redis"},
	{"NOPERM", permissionHint},
	{"can't run this command", permissionHint}, // in a script
	{"LOADING", "wait: Redis is reading its data from disk"},
	{"READONLY", "name the master in WXGATE_REDIS_URL, or the sentinels: this server is a replica"},
	{"MASTERDOWN", "start the master, or name it in WXGATE_REDIS_URL: this server is a replica without one"},
	{"OOM", "give Redis more memory (maxmemory): it is full"},
	{"MISCONF", "read the log of Redis: it cannot save its data to disk, and takes no writes until it can"},
	{"NOREPLICAS", "start the replicas that min-replicas-to-write asks for"},
	{"CLUSTERDOWN", "start the masters that are down: the cluster does not serve all keys"},
	{"MOVED", "write redis+cluster:// (rediss+cluster:// for TLS) in WXGATE_REDIS_URL: " +
		"this server is a node of a cluster"},
	{"not allowed in cluster mode", "write redis+cluster:// (rediss+cluster:// for TLS) in WXGATE_REDIS_URL, " +
		"without a number behind the hosts: this server is a node of a cluster"},
	{"cluster support disabled", "write redis:// (rediss:// for TLS) in WXGATE_REDIS_URL: this server is no cluster"},
	{"DB index is out of range", "correct the number behind the host in WXGATE_REDIS_URL: Redis has fewer databases"},
	{"max number of clients", "let Redis take more clients (maxclients), or end those that are idle"},
	{"protected mode", "set a password in Redis and give it in WXGATE_REDIS_URL"},
}

// refusalHint returns the hint for an error answer.
func refusalHint(text string) string {
	for _, r := range refusals {
		if strings.Contains(text, r.holds) {
			return r.hint
		}
	}
	return "read the log of Redis, or correct WXGATE_REDIS_URL"
}

// tlsHint returns the hint for an error of TLS; empty for others.
func tlsHint(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "write redis in place of rediss in WXGATE_REDIS_URL: the server does not speak TLS"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "set WXGATE_REDIS_CA_FILE to a file with the CA that signed the certificate of Redis"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "give Redis a certificate that is valid now for the host in WXGATE_REDIS_URL, or correct the host; " +
			"sentinels and cluster nodes must announce hosts that their certificates hold"
	}
	// Package tls does not export the alerts that a server sends.
	switch text := err.Error(); {
	case strings.Contains(text, "tls: certificate required"), strings.Contains(text, "tls: bad certificate"):
		return "set tls-auth-clients to no in Redis: it asks for a certificate of the client, and wxgate has none"
	case strings.Contains(text, "remote error: tls: "):
		return "read the log of Redis: it refuses the TLS connection"
	}
	return ""
}

// connectionHint returns the hint for an error without an answer.
func connectionHint(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "correct the host in WXGATE_REDIS_URL, or the DNS"
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "start Redis, or correct host and port in WXGATE_REDIS_URL"
	}
	timeout, ok := errors.AsType[net.Error](err)
	if ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return "check that Redis is running and that no firewall drops the connection, or correct WXGATE_REDIS_URL"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return "check that host and port in WXGATE_REDIS_URL are those of Redis, and whether it wants TLS (rediss://)"
	}
	if strings.Contains(err.Error(), "unknown message type") {
		return "correct host and port in WXGATE_REDIS_URL: what answers there is not Redis"
	}
	return "check that this machine can reach Redis, or correct WXGATE_REDIS_URL"
}

// sealed returns err without the names and passwords of the address. An error
// answer of Redis may repeat the command that it refuses, and some commands hold
// them.
func (a Address) sealed(err error) error {
	const shortest = 4 // a shorter one stands in ordinary words
	if err == nil {
		return nil
	}
	text, _, _ := strings.Cut(err.Error(), ", with args beginning with")
	text, _, _ = strings.Cut(text, ", otherwise the HELLO AUTH") // how to sign in with redis-cli
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\n", " "), ".")
	for _, secret := range []string{a.Password, a.SentinelPassword, a.Username, a.SentinelUsername} {
		if len(secret) >= shortest && secret != "default" {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	if text == err.Error() {
		return err
	}
	return &problem{text, Hint(err)}
}
