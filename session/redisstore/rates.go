package redisstore

import (
	"context"
	"net/netip"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// spend adds events to a client's bucket and returns how many are left. The state of
// a bucket is the time, in microseconds by the clock of Redis, at which it will be
// full: replicas whose limits differ, as during a rollout, read the same state. No
// bucket owes more than it holds.
var spend = rueidis.NewLuaScriptNoSha(`
local count, per, spent = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local stored = redis.pcall("GET", KEYS[1])
local full = math.max(now, type(stored) == "string" and tonumber(stored) or now)
full = math.min(full + spent * per / count, now + 2 * per)
local life = math.max(1, math.ceil((full - now) / 1000))
redis.call("SET", KEYS[1], string.format("%.0f", full), "PX", string.format("%.0f", life))
return string.format("%.3f", (now + per - full) * count / per)`)

// CountLogins adds the logins that a replica has let pass, by client, to those of all
// replicas, each of which allows count of them in a duration per. It returns how many
// each client has left, less than none if too many have passed. A client of whom
// Redis did not answer is missing in left; it may have been counted. If left is nil,
// no client has been counted. A client's address is the name of a key, which Redis
// deletes when the client has everything left again.
func (c *Client) CountLogins(
	ctx context.Context, count int, per time.Duration, spent map[netip.Prefix]int,
) (left map[netip.Prefix]float64, err error) {
	client, err := c.redis()
	if err == nil && c.Status().Down > 0 {
		err = errDown
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	var clients []netip.Prefix
	var calls []rueidis.LuaExec
	limit, period := strconv.Itoa(count), strconv.FormatInt(max(1, per.Microseconds()), 10)
	for who, n := range spent {
		clients = append(clients, who)
		calls = append(calls, rueidis.LuaExec{
			Keys: []string{rateKey(who)},
			Args: []string{limit, period, strconv.Itoa(n)},
		})
	}
	left = make(map[netip.Prefix]float64, len(spent))
	for i, result := range spend.ExecMulti(ctx, client, calls...) {
		tokens, failed := result.AsFloat64()
		if failed != nil {
			err = c.away("count logins", failed)
			continue
		}
		left[clients[i]] = tokens
	}
	return left, err
}

// rateKey returns the name of a client's bucket.
func rateKey(client netip.Prefix) string {
	name := client.String()
	if client.IsSingleIP() {
		name = client.Addr().String()
	}
	return keyPrefix + "rate:" + name
}
