package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
)

// storeRedis is the value of WXGATE_SESSION_STORE for sessions in Redis.
const storeRedis = "redis"

// openRedis returns the connection to Redis that c describes; nil if c has no
// address. The connection opens when its Run is called.
func openRedis(c *config.Config, logger zerolog.Logger) (*redisstore.Client, error) {
	if c.RedisURL.IsZero() {
		return nil, nil
	}
	return redisstore.New(redisstore.Config{Address: c.RedisURL, CAs: c.RedisCAs, Logger: logger})
}

// sessionsIn returns how the site that c describes makes its session store; nil if it
// keeps no sessions in Redis.
func sessionsIn(
	c *config.Config, redis *redisstore.Client, grace time.Duration,
) func(session.Config) (session.Store, error) {
	if c.SessionStore != storeRedis {
		return nil
	}
	return func(cookies session.Config) (session.Store, error) { return redis.Sessions(cookies, grace) }
}

// readyWith returns what /readyz says about Redis; nil if there is none. The process
// is not ready until it has read the revocations, or has seen that Redis does not
// answer, nor until Redis has answered once, if a site of c keeps its sessions there. A
// later outage does not take it out: it would take out every replica.
func readyWith(c *config.Config, redis *redisstore.Client) func() (able bool, note string) {
	if redis == nil {
		return nil
	}
	needed := false
	for _, site := range sitesOf(c) {
		needed = needed || site.SessionStore == storeRedis
	}
	revocations := revocationsIn(c, redis)
	return func() (able bool, note string) {
		status := redis.Status()
		if status.Down > 0 {
			note = fmt.Sprintf("redis has not answered for %v: %s", status.Down.Round(time.Second), status.Reason)
		}
		return revocations.Tried() && (status.Answered || !needed), note
	}
}

// observeRedis registers the metrics that say whether Redis answers, and whether
// revocations may be missing.
func observeRedis(c *config.Config, redis *redisstore.Client, registry prometheus.Registerer) error {
	if redis == nil {
		return nil
	}
	up := registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wxgate_redis_up", Help: "Whether Redis answers, 1 or 0, as of a second ago.",
	}, func() float64 {
		if redis.Status().Up() {
			return 1
		}
		return 0
	}))
	return errors.Join(up, observeRevocations(revocationsIn(c, redis), registry))
}
