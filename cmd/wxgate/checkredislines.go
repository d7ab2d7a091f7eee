package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session/redisstore"
)

// A redisLine is one line of the report about Redis.
type redisLine struct {
	verdict      verdict
	detail, hint string
}

type verdict int

const (
	good verdict = iota
	odd
	bad
)

func (l redisLine) print(report *report) {
	switch l.verdict {
	case good:
		report.pass("redis", l.detail)
	case odd:
		report.note("redis", l.detail+"; hint: "+l.hint)
	case bad:
		report.fail("redis", l.detail, l.hint)
	}
}

// redisFacts returns what the servers are.
func redisFacts(c *config.Config, servers []redisstore.Server) []redisLine {
	var lines []redisLine
	for _, s := range servers {
		lines = append(lines, redisRole(c, s))
	}
	for _, s := range servers {
		lines = append(lines, redisVersion(s))
	}
	for _, s := range servers {
		lines = append(lines, redisTracking(c, s))
	}
	for _, s := range servers {
		lines = append(lines, redisEviction(s))
	}
	return lines
}

func redisRole(c *config.Config, s redisstore.Server) redisLine {
	if s.Replica {
		return redisLine{bad, "role replica: it keeps no login", "name the master in " +
			c.Fault("WXGATE_REDIS_URL", "").Name + ", or the sentinels (redis+sentinel://)"}
	}
	return redisLine{good, "role master", ""}
}

func redisVersion(s redisstore.Server) redisLine {
	number, _, _ := strings.Cut(s.Version, ".")
	major, err := strconv.Atoi(number)
	switch {
	case err != nil:
		return redisLine{odd, "version not known", "wxgate is made for Redis 6 and later"}
	case major < 6:
		return redisLine{odd, "version " + s.Version, "use Redis 6 or later, which has RESP3 and client-side caching"}
	}
	return redisLine{good, "version " + s.Version, ""}
}

func redisTracking(c *config.Config, s redisstore.Server) redisLine {
	if s.NoTracking == nil {
		return redisLine{good, "RESP3 and client-side caching (CLIENT TRACKING)", ""}
	}
	protocol := "RESP2"
	if s.RESP3 {
		protocol = "RESP3"
	}
	return redisLine{odd, protocol + " without client-side caching: wxgate works, " +
		"but each request costs a round trip (" +
		s.NoTracking.Error() + ")", redisHint(c, s.NoTracking)}
}

// redisEviction says whether Redis may delete sessions when its memory is full.
func redisEviction(s redisstore.Server) redisLine {
	const name = "maxmemory-policy"
	policy := s.EvictionPolicy
	switch {
	case policy == "":
		return redisLine{odd, name + " not known: the user may ask neither CONFIG GET nor INFO",
			"make sure that it is noeviction"}
	case policy == "noeviction", strings.HasPrefix(policy, "volatile-"):
		return redisLine{good, name + " " + policy, ""}
	}
	return redisLine{odd, name + " " + policy + ": Redis deletes sessions at will when its memory is full",
		"set it to noeviction, or give wxgate a Redis of its own"}
}

// redisTries returns what came of trying what wxgate does. The same error is one line.
func redisTries(c *config.Config, found *redisstore.Report) []redisLine {
	var lines []redisLine
	for _, tried := range []struct {
		err        error
		does, fail string
	}{
		{found.Write, "keeps values", "does not keep values"},
		{found.Script, "runs scripts", "does not run scripts"},
		{found.Publish, "delivers messages", "does not deliver messages"},
	} {
		if tried.err == nil {
			lines = append(lines, redisLine{good, tried.does, ""})
			continue
		}
		lines = append(lines, redisLine{bad, tried.fail + ": " + tried.err.Error(), redisHint(c, tried.err)})
	}
	if found.Slow() {
		lines = append(lines, redisLine{odd, "a connection takes " + found.Connecting.Round(time.Millisecond).String(),
			"run Redis near wxgate, and look at the network between: wxgate gives up after a second"})
	}
	if found.Latency > 0 {
		lines = append(lines, redisLatency(found.Latency))
	}
	return lines
}

// redisLatency says how long a round trip takes.
func redisLatency(median time.Duration) redisLine {
	const much = 20 * time.Millisecond
	detail := "a round trip takes " + median.Round(10*time.Microsecond).String()
	if median > much {
		return redisLine{odd, detail, "run Redis near wxgate: a visitor waits for it"}
	}
	return redisLine{good, detail, ""}
}
