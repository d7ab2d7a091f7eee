package faults_test

import (
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// redisPassword is the password of every Redis that has one. No log has it.
const redisPassword = "redis-password"

// redisStore is the store of sessions in the Redis at a URL.
func redisStore(url string, environ ...string) store {
	return store{name: "redis", environ: append([]string{
		"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL=" + url,
	}, environ...)}
}

// inCookies and inRedis return stores for rows that run with each.
func inCookies(*testing.T) store { return cookieStore() }

func inRedis(t *testing.T) store { return redisStore(newRedis(t).url()) }

// A redisServer is one Redis server with a proxy on the way to it.
type redisServer struct {
	*redistest.Server
	way    *route
	loaded func() // ends a restart
}

func newRedis(t *testing.T, args ...string) *redisServer {
	t.Helper()
	s := redistest.Start(t, redistest.Options{Real: true, Persist: true, Password: redisPassword, Args: args})
	return &redisServer{Server: s, way: newRoute(t, s.Addr())}
}

// url returns the address of the proxy for WXGATE_REDIS_URL.
func (s *redisServer) url() string { return strings.Replace(s.URL(), s.Addr(), s.way.address, 1) }

// both adds a toxic to both directions.
func (r *route) both(toxic string) {
	r.damage(`{"name":"to","stream":"upstream",` + toxic + `}`)
	r.damage(`{"name":"from","stream":"downstream",` + toxic + `}`)
}
