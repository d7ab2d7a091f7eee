package redisstore

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// An answer is the value of a key.
type answer struct {
	value     string
	confirmed time.Time // when Redis last had the value
	cached    bool      // by this process
}

// read returns the value of a key through the cache of this process. An error for
// which [rueidis.IsRedisNil] is true means that there is none; any other that Redis
// did not answer. If cached is true, the cache is likely to have the value. An answer
// stays in the cache for life; 0: Redis is asked each time. The end of ctx does not end
// the read.
func (c *Client) read(ctx context.Context, key string, cached bool, life time.Duration) (answer, error) {
	client, err := c.redis()
	if err != nil {
		return answer{}, err
	}
	get := client.B().Get().Key(key).Cache()
	slot := get.Slot()
	if !c.gate.enter(slot) {
		return answer{}, errDown
	}
	start, limited, read := spanStart(ctx), c.shared.context(), answer{}
	if cached && life > 0 && c.steady() {
		read, err = c.readIn(limited, client, get, key, life)
	} else {
		read, err = c.readWithin(limited, client, get, key, life)
	}
	if !read.cached {
		addSpan(ctx, "GET", start, err)
	}
	c.gate.leave(slot, err == nil || rueidis.IsRedisNil(err))
	return read, err
}

// steady reports whether Redis has answered lately, over a connection that has not
// broken since.
func (c *Client) steady() bool {
	alive := c.alive.Load()
	return c.redials.latest.Load() < alive && time.Since(time.Unix(0, alive)) < askEvery+askEvery/2
}

// readWithin is readIn for no longer than ctx.
func (c *Client) readWithin(
	ctx context.Context, client rueidis.Client, get rueidis.Cacheable, key string, life time.Duration,
) (answer, error) {
	return within(ctx, func() (answer, error) { return c.readIn(ctx, client, get, key, life) })
}

// readIn runs get, which reads key, until ctx ends or, with a broken connection, for
// longer.
func (c *Client) readIn(
	ctx context.Context, client rueidis.Client, get rueidis.Cacheable, key string, life time.Duration,
) (answer, error) {
	plain := func() rueidis.RedisResult { return client.Do(ctx, client.B().Get().Key(key).Build()) }
	var result rueidis.RedisResult
	if life > 0 {
		result = client.DoCache(ctx, get, life)
	} else {
		result = plain()
	}
	value, err := result.ToString()
	refused, ok := errors.AsType[*rueidis.RedisError](err)
	if ok && !refused.IsNil() || errors.Is(err, rueidis.ErrDoCacheAborted) {
		// The cache asks in a transaction, which a full Redis refuses although it
		// still answers a plain question. A user may have no right to transactions.
		result = plain()
		value, err = result.ToString()
	}
	if err != nil {
		return answer{}, err
	}
	if result.IsCacheHit() {
		// The connection may be dead without either side knowing.
		return answer{value, time.Unix(0, c.alive.Load()), true}, nil
	}
	return answer{value, c.answered(), false}, nil
}

// within returns the result of f, or the error of ctx when ctx ends: a request to
// Redis may wait for longer, for a connection that another request opens or for room
// in a queue.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// answered notes that Redis has answered now.
func (c *Client) answered() time.Time {
	now := time.Now()
	c.alive.Store(now.UnixNano())
	return now
}

// retryPause is how long a write waits before it is sent again over a new connection.
const retryPause = 50 * time.Millisecond

// write runs commands that may be sent twice, each about one key; name is that of the
// first. If the connection breaks, it tries again within writeTimeout: the connection
// may have been idle for long. The end of ctx does not end the write.
func (c *Client) write(
	ctx context.Context, name string, commands func(rueidis.Builder) []rueidis.Completed,
) error {
	client, err := c.redis()
	if err != nil {
		return err
	}
	start := spanStart(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	err = retry(ctx, func() error {
		_, err := within(ctx, func() (none struct{}, err error) {
			for _, result := range client.DoMulti(ctx, commands(client.B())...) {
				if err := result.Error(); err != nil {
					return none, err
				}
			}
			return none, nil
		})
		return err
	})
	addSpan(ctx, name, start, err)
	c.noteRefusal(err)
	return err
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
// whether it did. The end of ctx does not end it.
func (c *Client) replace(
	ctx context.Context, key, former, value string, life time.Duration,
) (bool, error) {
	client, err := c.redis()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	args := []string{former, value, px(life)}
	return within(ctx, func() (bool, error) { return exec(ctx, client, replace, []string{key}, args).AsBool() })
}

// px returns a duration as commands and scripts take it, in milliseconds.
func px(life time.Duration) string { return strconv.FormatInt(life.Milliseconds(), 10) }

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
