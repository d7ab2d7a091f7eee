package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"slices"
	"time"

	"github.com/redis/rueidis"
)

const (
	// clientName is the name of wxgate's connections in CLIENT LIST.
	clientName = "wxgate"
	// dialTimeout limits the time to connect, with TLS and the first commands. A
	// server in the same network needs a few milliseconds.
	dialTimeout = time.Second
	// keepAlive is the time between the PINGs by which the client notices that a
	// server is gone.
	keepAlive = time.Second
	// answerTimeout is how long a connection waits for an answer before it is
	// closed. No command of wxgate takes a server longer than milliseconds.
	answerTimeout = 2 * time.Second
	// bufferBytes is the size of a connection's read buffer and of its write
	// buffer. A session takes less than 2 KiB.
	bufferBytes = 32 << 10
	// cacheBytes limits the cache of one connection: with about 1 KiB an entry, the
	// sessions of about 30,000 visitors who were active in the last seconds.
	cacheBytes = 32 << 20
	// dedicatedConns limits the connections beside the shared one, for commands
	// that must not wait behind others.
	dedicatedConns = 16
	// topologyRefresh is the time between two questions for the master or the
	// cluster's nodes, in case that a message about a change was lost.
	topologyRefresh = 5 * time.Second
	// maxRedirects is how many redirects of a cluster one command follows.
	maxRedirects = 8
)

// option returns the settings of a client for the address. A nil pool stands for
// the system's certificates.
//
// The client sends all commands over one connection to each server, where they
// are pipelined: with 64 at a time, a GET takes 4 µs on the loopback, against
// 20 µs over two connections and 25 µs over the four that rueidis opens by default.
// More connections would also divide the cache between them.
func (a Address) option(cas *x509.CertPool) rueidis.ClientOption {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	o := rueidis.ClientOption{
		InitAddress:         slices.Clone(a.Hosts),
		TLSConfig:           a.tlsConfig(cas),
		Dialer:              dialer,
		ConnWriteTimeout:    answerTimeout,
		Username:            a.Username,
		Password:            a.Password,
		ClientName:          clientName,
		SelectDB:            a.DB,
		ForceSingleClient:   a.Kind == Single, // do not guess
		PipelineMultiplex:   -1,               // one connection
		ReadBufferEachConn:  bufferBytes,
		WriteBufferEachConn: bufferBytes,
		CacheSizeEachConn:   cacheBytes,
		BlockingPoolSize:    dedicatedConns,
		BlockingPoolCleanup: time.Minute,
		RetryDelay:          retryDelay,
	}
	switch a.Kind {
	case Sentinel:
		o.Sentinel = rueidis.SentinelOption{
			Dialer:                  dialer,
			TLSConfig:               a.tlsConfig(cas),
			MasterSet:               a.Master,
			Username:                a.SentinelUsername,
			Password:                a.SentinelPassword,
			ClientName:              clientName,
			TopologyRefreshInterval: topologyRefresh,
		}
	case Cluster:
		o.ClusterOption = rueidis.ClusterOption{
			ShardsRefreshInterval: topologyRefresh,
			MaxMovedRedirections:  maxRedirects,
		}
	}
	return o
}

// tlsConfig returns nil for an address without TLS. It sets no ServerName:
// crypto/tls then checks the certificate for the host of each connection.
func (a Address) tlsConfig(cas *x509.CertPool) *tls.Config {
	if !a.TLS {
		return nil
	}
	return &tls.Config{RootCAs: cas, MinVersion: tls.VersionTLS12}
}
