// Package redisstore keeps in Redis what the replicas of a gateway share: their
// visitors' sessions, and what must hold on all of them at once.
//
// A [Client] is one process's connection to Redis: one server, a master that
// sentinels name, or a cluster. [Client.Sessions] returns a
// [github.com/wxgate/wxgate/session.Store]; [Client.Shared] a token or the like that one
// replica fetches for all, under a lock as [Client.Lock] takes one; [Client.Exchanges]
// has the code of a login exchanged once.
//
// An error of Redis is never an answer: it ends no session. Sessions are read
// through a cache in this process, which Redis empties when another replica changes
// one.
package redisstore

import (
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/rs/zerolog"
)

// keyPrefix begins the name of every key in Redis.
const keyPrefix = "wxgate:"

// Config describes a [Client].
type Config struct {
	// Address says where Redis is. Required.
	Address Address
	// CAs verify the servers of an address with TLS; nil: the system's.
	CAs *x509.CertPool
	// Logger receives what happens to the connection; the zero value discards it.
	Logger zerolog.Logger
}

// errNoAnswer is the error of all calls until Redis has answered once.
var errNoAnswer = errors.New("redis has not answered yet")

// errDown is the error of what does not wait for a Redis that does not answer.
var errDown = errors.New("redis does not answer")

// away returns err, of a request to Redis, with what the request was for and without
// a secret of the address.
func (c *Client) away(what string, err error) error {
	return fmt.Errorf("%s: redis: %w", what, c.address.sealed(err))
}
