package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session/redisstore"
)

// checkRedis connects to Redis and tries what wxgate does there.
func checkRedis(ctx context.Context, report *report, c *config.Config) {
	if c.RedisURL.IsZero() {
		checkWithoutRedis(report, c)
		return
	}
	if isOver(ctx, report, "redis") {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout/2)
	defer cancel()
	found, err := within(ctx, func() (*redisstore.Report, error) {
		return redisstore.Probe(ctx, c.RedisURL, c.RedisCAs)
	})
	if err != nil {
		report.fail("redis", err.Error(), redisHint(c, err))
		return
	}
	report.pass("redis", "signed in to "+redisServers(c.RedisURL, found))
	for _, err := range found.Silent {
		report.note("redis", err.Error()+"; hint: "+redisHint(c, err))
	}
	if found.Open {
		report.note("redis", "lets in those who give no password; "+
			"hint: set one in Redis (requirepass, or an ACL user): others could end sessions")
	}
	if end := found.CertificateEnd; !end.IsZero() && time.Until(end) < certificateNotice {
		report.note("redis", "the certificate ends at "+end.UTC().Format(time.RFC3339)+"; hint: renew it")
	}
	lines := redisFacts(c, found.Servers)
	if !slices.ContainsFunc(found.Servers, func(s redisstore.Server) bool { return s.Replica }) {
		lines = append(lines, redisTries(c, found)...)
	}
	for i, line := range lines {
		if !slices.Contains(lines[:i], line) { // most often all masters of a cluster are the same
			line.print(report)
		}
	}
}

// certificateNotice is how long before its end a certificate is worth a note.
const certificateNotice = 14 * 24 * time.Hour

// checkWithoutRedis says what needs Redis as soon as there are several replicas.
func checkWithoutRedis(report *report, c *config.Config) {
	for _, site := range sitesOf(c) {
		if site.TokenMode == "legacy" {
			report.note("redis", "not used; "+
				"hint: set WXGATE_REDIS_URL before you run several replicas: with WXGATE_TOKEN_MODE=legacy, "+
				"each would invalidate the access token of the others")
			return
		}
	}
}

// redisServers says where the data is, and how wxgate finds it.
func redisServers(a redisstore.Address, found *redisstore.Report) string {
	text := found.Servers[0].Address
	switch a.Kind {
	case redisstore.Sentinel:
		text += ", the master " + strconv.Quote(a.Master) + " of " +
			fmt.Sprintf("%d of %d sentinels", found.Sentinels, len(a.Hosts))
	case redisstore.Cluster:
		text = fmt.Sprintf("a cluster of %d masters", len(found.Servers))
	}
	if a.TLS {
		return text + ", over TLS"
	}
	return text + ", without TLS"
}

// redisHint returns the hint for an error of Redis, with the variable's name as it
// was set.
func redisHint(c *config.Config, err error) string {
	return strings.ReplaceAll(redisstore.Hint(err), "WXGATE_REDIS_URL", c.Fault("WXGATE_REDIS_URL", "").Name)
}
