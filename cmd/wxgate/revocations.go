package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/session/redisstore"
)

// revocationsIn returns the revocations in Redis, kept for the longest session of all
// sites; nil if redis is.
func revocationsIn(c *config.Config, redis *redisstore.Client) *redisstore.Revocations {
	if redis == nil {
		return nil
	}
	var longest time.Duration
	for _, site := range sitesOf(c) {
		longest = max(longest, site.SessionMaxTTL)
	}
	return redis.Revocations(longest)
}

// checkedRevocations returns what the gateway asks about each session; nil, of the
// interface, without Redis.
func checkedRevocations(c *config.Config, redis *redisstore.Client) gateway.Revocations {
	if r := revocationsIn(c, redis); r != nil {
		return r
	}
	return nil
}

// operatorRevocations returns what POST /v1/revoke calls; nil likewise.
func operatorRevocations(c *config.Config, redis *redisstore.Client) admin.Revocations {
	if r := revocationsIn(c, redis); r != nil {
		return r
	}
	return nil
}

// observeRevocations registers the metric that says whether revocations may be missing
// in this process.
func observeRevocations(r *redisstore.Revocations, registry prometheus.Registerer) error {
	return registry.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wxgate_revocations_behind",
		Help: "Whether this process may not know all revocations, 1 or 0: Redis does not answer.",
	}, func() float64 {
		if r.Behind() {
			return 1
		}
		return 0
	}))
}
