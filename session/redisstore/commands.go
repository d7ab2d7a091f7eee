package redisstore

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// read returns the value of a key through the cache of this process, and when Redis
// last had that value. An error for which [rueidis.IsRedisNil] is true means that
// there is none; any other that Redis did not answer.
func (c *Client) read(key string) (value string, confirmed time.Time, err error) {
	client, err := c.redis()
	if err != nil {
		return "", time.Time{}, err
	}
	ctx := c.shared.context()
	result := client.DoCache(ctx, client.B().Get().Key(key).Cache(), cacheLife)
	value, err = result.ToString()
	refused, ok := errors.AsType[*rueidis.RedisError](err)
	if ok && !refused.IsNil() || errors.Is(err, rueidis.ErrDoCacheAborted) {
		// The cache asks in a transaction, which a full Redis refuses although it
		// still answers a plain question. A user may have no right to transactions.
		result = client.Do(ctx, client.B().Get().Key(key).Build())
		value, err = result.ToString()
	}
	if err != nil {
		return "", time.Time{}, err
	}
	if result.IsCacheHit() {
		// The connection may be dead without either side knowing.
		return value, time.Unix(0, c.alive.Load()), nil
	}
	return value, c.answered(), nil
}

// answered notes that Redis has answered now.
func (c *Client) answered() time.Time {
	now := time.Now()
	c.alive.Store(now.UnixNano())
	return now
}

// retryPause is how long a write waits before it is sent again over a new connection.
const retryPause = 50 * time.Millisecond

// write runs commands that may be sent twice, each about one key. If the connection
// breaks, it tries again within writeTimeout: the connection may have been idle for
// long.
func (c *Client) write(commands func(rueidis.Builder) []rueidis.Completed) error {
	client, err := c.redis()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	return retry(ctx, func() error {
		for _, result := range client.DoMulti(ctx, commands(client.B())...) {
			if err := result.Error(); err != nil {
				return err
			}
		}
		return nil
	})
}

// retry runs f again as long as it fails without an answer of Redis, until ctx ends.
// It returns the first error.
func retry(ctx context.Context, f func() error) error {
	first := f()
	for err := first; err != nil; err = f() {
		if _, answered := errors.AsType[*rueidis.RedisError](err); answered {
			return err
		}
		select {
		case <-ctx.Done():
			return first
		case <-time.After(retryPause):
		}
	}
	return nil
}

// replace sets a key to value for a time if its value is still former, and reports
// whether it did.
func (c *Client) replace(key, former, value string, life time.Duration) (bool, error) {
	client, err := c.redis()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
	defer cancel()
	args := []string{former, value, strconv.FormatInt(life.Milliseconds(), 10)}
	done, err := replace.Exec(ctx, client, []string{key}, args).AsBool()
	return done, err
}

// noPermission reports whether Redis refuses a command to the ACL user.
func noPermission(err error) bool {
	refused, ok := errors.AsType[*rueidis.RedisError](err)
	return ok && strings.HasPrefix(refused.Error(), "NOPERM")
}

// receive calls f for each message in a channel until ctx ends or the connection
// breaks.
func (c *Client) receive(ctx context.Context, channel string, f func()) error {
	client, err := c.redis()
	if err != nil {
		return err
	}
	subscribe := client.B().Subscribe().Channel(channel).Build()
	return client.Receive(ctx, subscribe, func(rueidis.PubSubMessage) { f() })
}
