package redisstore

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

const (
	// revocationsKey is a sorted set: the members are whom revocations are about, the
	// scores their generations, no two of them the same. The channel has this name too.
	revocationsKey = keyPrefix + "revocations"
	// maxRevocations limits the list, which each process has a copy of: about 10 MB.
	maxRevocations = 100_000
	// maxAhead is how far a generation may be ahead of the clock. A later one is none of
	// ours: with it as the newest, no further revocation would have an effect.
	maxAhead = 24 * time.Hour
	// revocationPage is how many revocations one command reads or writes.
	revocationPage = 1000
)

// addRevocation makes the next generation and returns it; 0 if the list is full. The
// generation is the time in milliseconds by the clock of Redis, or one above the
// newest if that clock is behind. A caller who knows a newer generation than the list,
// because Redis has lost its data, gives it.
//
// The message is a hint to read the list. It may fail: Redis gives a user no right to
// channels by default.
var addRevocation = rueidis.NewLuaScript(`
local key, member, known, keep, most = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local function text(n) return string.format("%.0f", n) end
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = now + tonumber(ARGV[5])
redis.call("ZREMRANGEBYSCORE", key, "(" .. text(last), "+inf")
if known > last then known = 0 end
local newest = redis.call("ZREVRANGE", key, 0, 0, "WITHSCORES")[2] or 0
local generation = math.max(now, newest + 1, known + 1)
redis.call("ZREMRANGEBYSCORE", key, "-inf", text(now - keep))
if member == "*" then
	redis.call("DEL", key)
elseif redis.call("ZCARD", key) >= most and not redis.call("ZSCORE", key, member) then
	return 0
end
redis.call("ZADD", key, text(generation), member)
redis.call("PEXPIRE", key, text(math.max(redis.call("PTTL", key), keep)))
redis.pcall("PUBLISH", key, text(generation))
return generation`)

// addRevocation adds a revocation of member and returns its generation; 0 if the list
// is full. known is the newest generation that the caller knows.
func (c *Client) addRevocation(
	ctx context.Context, member string, known uint64, keep time.Duration,
) (generation uint64, err error) {
	client, err := c.redis()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	args := []string{
		member, number(known), number(keep.Milliseconds()), number(maxRevocations), number(maxAhead.Milliseconds()),
	}
	err = retry(ctx, func() error {
		generation, err = addRevocation.Exec(ctx, client, []string{revocationsKey}, args).AsUint64()
		return err
	})
	return generation, err
}

// lastGeneration returns the largest generation that may be a revocation's.
func lastGeneration() uint64 { return uint64(time.Now().Add(maxAhead).UnixMilli()) }

func number[T int | int64 | uint64](n T) string { return strconv.FormatInt(int64(n), 10) }

// restoreRevocations adds revocations that Redis has lost, unless they are too old or
// a later one includes them.
var restoreRevocations = rueidis.NewLuaScript(`
local key, keep = KEYS[1], ARGV[1]
local time = redis.call("TIME")
local after = math.max(time[1] * 1000 - keep, tonumber(redis.call("ZSCORE", key, "*") or 0))
local restored = 0
for i = 2, #ARGV, 2 do
	local member, generation = ARGV[i], tonumber(ARGV[i + 1])
	if generation > after and generation > tonumber(redis.call("ZSCORE", key, member) or 0) then
		redis.call("ZADD", key, ARGV[i + 1], member)
		restored = restored + 1
		if member == "*" then
			redis.call("ZREMRANGEBYSCORE", key, "-inf", "(" .. ARGV[i + 1])
			after = generation
		end
	end
end
if redis.call("EXISTS", key) == 1 then
	redis.call("PEXPIRE", key, string.format("%.0f", math.max(redis.call("PTTL", key), keep)))
end
return restored`)

// restoreRevocations writes a page of revocations that Redis has lost, and returns how
// many it still lacked.
func (c *Client) restoreRevocations(ctx context.Context, page []revocation, keep time.Duration) (int64, error) {
	client, err := c.redis()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	args := []string{number(keep.Milliseconds())}
	for _, x := range page {
		args = append(args, x.member, number(x.generation))
	}
	return restoreRevocations.Exec(ctx, client, []string{revocationsKey}, args).AsInt64()
}

// newestRevocation returns the generation of the newest revocation; 0 if there is none.
func (c *Client) newestRevocation(ctx context.Context) (uint64, error) {
	client, err := c.redis()
	if err != nil {
		return 0, err
	}
	newest := client.B().Zrevrangebyscore().Key(revocationsKey).Max(number(lastGeneration())).Min("-inf").
		Withscores().Limit(0, 1).Build()
	list, err := within(ctx, func() ([]revocation, error) { return revocationsIn(client.Do(ctx, newest)) })
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0].generation, nil
}

// revocationsAfter returns the revocations with generations above after, in the order
// of their generations, and how many there are above oldest.
func (c *Client) revocationsAfter(ctx context.Context, after, oldest uint64) (list []revocation, all int, err error) {
	after = max(after, oldest)
	for {
		page, all, err := c.revocationPage(ctx, after, oldest)
		list = append(list, page...)
		if err != nil || len(page) < revocationPage {
			return list, all, err
		}
		last := page[len(page)-1].generation
		if last <= after || len(list) > maxRevocations+revocationPage {
			return nil, 0, errListMalformed
		}
		after = last
	}
}

// errListMalformed says that others than wxgate have written to the list.
var errListMalformed = errors.New(revocationsKey + " has more entries than wxgate writes, or others; " +
	"revoke all sessions to begin a new list: wxgate revoke --all")

// revocationPage returns the first page of what revocationsAfter returns. A page begins
// after a generation, so that no entry is left out while others change.
func (c *Client) revocationPage(ctx context.Context, after, oldest uint64) (page []revocation, all int, err error) {
	client, err := c.redis()
	if err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	last := number(lastGeneration())
	results := client.DoMulti(ctx,
		client.B().Zrangebyscore().Key(revocationsKey).Min("("+number(after)).Max(last).
			Withscores().Limit(0, revocationPage).Build(),
		client.B().Zcount().Key(revocationsKey).Min("("+number(oldest)).Max(last).Build())
	if page, err = revocationsIn(results[0]); err != nil {
		return nil, 0, err
	}
	n, err := results[1].AsInt64()
	return page, int(n), err
}

// revocationsIn returns the revocations in an answer with members and scores.
func revocationsIn(result rueidis.RedisResult) ([]revocation, error) {
	scores, err := result.AsZScores()
	if err != nil {
		return nil, err
	}
	list := make([]revocation, 0, len(scores))
	for _, x := range scores {
		list = append(list, revocation{x.Member, uint64(min(max(x.Score, 0), math.MaxInt64))})
	}
	return list, nil
}
