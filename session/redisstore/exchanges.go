package redisstore

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/redis/rueidis"

	"github.com/wxgate/wxgate/session"
)

// exchangeLife is how long the result of an exchange is kept.
const exchangeLife = time.Minute

// Exchanges have the codes of a site's logins exchanged once over all replicas. They
// are safe for concurrent use.
type Exchanges struct {
	client *Client
	config session.Config
	wait   time.Duration
	warned everyMinute
}

// Exchanges returns those of the site that config describes. A call waits for another
// replica's exchange for no longer than wait.
func (c *Client) Exchanges(config session.Config, wait time.Duration) *Exchanges {
	return &Exchanges{client: c, config: config, wait: wait}
}

// Once returns the result of exchange for the login with the given state, which it runs
// on the first call over all replicas. The other calls wait for that result, which is
// kept for a minute. After an error the next call runs its own exchange.
//
// Redis has a hash of the state, and the result encrypted under a key made of the
// state and the cookie keys. A result that does not open is ignored.
//
// While Redis does not answer, Once runs exchange at once, or within about a second if
// Redis has just stopped answering. An ordinary call costs two round trips to Redis.
func (e *Exchanges) Once(
	ctx context.Context, state string, exchange func(context.Context) ([]byte, error),
) ([]byte, error) {
	x, err := e.exchange(state)
	if err != nil {
		e.warn(err)
		return exchange(ctx)
	}
	result, err := x.join(ctx, e.wait)
	switch {
	case err != nil:
		e.warn(err)
		return exchange(ctx)
	case result != nil:
		return result, nil
	}
	defer func() { // after a panic too
		if err := x.end(ctx, result); err != nil {
			e.warn(err)
		}
	}()
	if result, err = exchange(ctx); err != nil {
		result = nil
	}
	return result, err
}

// warn logs that an exchange is not shared, unless that is because Redis does not
// answer, which is logged already.
func (e *Exchanges) warn(err error) {
	if errors.Is(err, errDown) || !e.warned.due() {
		return
	}
	err = e.client.away("share the exchange of a code", err)
	e.client.logger.Warn().Err(err).Str("hint", Hint(err)).Msg("a login is not shared with other replicas")
}

// exchange returns the exchange of the login with the given state.
func (e *Exchanges) exchange(state string) (*sharedExchange, error) {
	if len(e.config.Keys) == 0 {
		return nil, errNoKeys
	}
	keys, err := e.config.SecretKeys("login-exchange", state)
	if err != nil {
		return nil, err
	}
	ciphers, err := aeads(keys)
	if err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(state))
	name := "exchange:" + base64.RawURLEncoding.EncodeToString(hash[:])
	return &sharedExchange{
		client: e.client, lock: e.client.newLock(name), key: keyPrefix + "result:{" + name + "}", ciphers: ciphers,
	}, nil
}

// A sharedExchange is one call's part in an exchange.
type sharedExchange struct {
	client  *Client
	lock    *lock
	key     string // of the result
	ciphers []cipher.AEAD
}

// joinScript returns the result, or else takes the lock and returns 1, or returns 0 if
// another has it.
var joinScript = rueidis.NewLuaScriptRetryable(`
local result = redis.call("GET", KEYS[2])
if result then return result end
local holder = redis.call("GET", KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
return 1`)

// join returns the result of another's exchange, which it waits for. If there is none,
// it returns nil, and the caller has the lock, and must call end.
func (x *sharedExchange) join(ctx context.Context, wait time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		until := time.Now().Add(lockLife) // no later than Redis frees it
		answer, err := x.ask(ctx)
		if err != nil {
			return nil, err
		}
		if record, err := answer.ToString(); err == nil {
			return x.open(record)
		}
		taken, err := answer.AsBool()
		if err != nil {
			return nil, err
		}
		if taken {
			x.lock.begin(context.WithoutCancel(ctx), until)
			return nil, nil
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// ask runs joinScript. It fails at once while Redis is known not to answer.
func (x *sharedExchange) ask(ctx context.Context) (rueidis.RedisMessage, error) {
	var none rueidis.RedisMessage
	if !x.client.Status().Up() {
		return none, errDown
	}
	client, err := x.client.redis()
	if err != nil {
		return none, err
	}
	get := client.B().Get().Key(x.key).Cache()
	slot := get.Slot()
	if !x.client.gate.enter(slot) {
		return none, errDown
	}
	answer, err := x.run(ctx, readTimeout, joinScript, x.lock.holder, px(lockLife))
	_, refused := errors.AsType[*rueidis.RedisError](err)
	x.client.gate.leave(slot, err == nil || refused)
	return answer, err
}

// endScript stores the result, if there is one, and gives the lock back.
var endScript = rueidis.NewLuaScriptRetryable(`
if ARGV[2] ~= "" then redis.call("SET", KEYS[2], ARGV[2], "PX", ARGV[3]) end
if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end
return 1`)

// end stores the result, which is nil after an error, and gives the lock back. If Redis
// does not answer, the lock ends with its life.
func (x *sharedExchange) end(ctx context.Context, result []byte) error {
	x.lock.endRenewals()
	if x.client.Status().Down > 0 {
		return errDown
	}
	record := ""
	if result != nil {
		record = string(x.ciphers[0].Seal(nil, nil, result, []byte(x.key)))
	}
	_, err := x.run(ctx, lockRenewal, endScript, x.lock.holder, record, px(exchangeLife))
	return err
}

// run runs a script about the exchange, which may run twice, for at most limit. The end
// of ctx does not end it.
func (x *sharedExchange) run(
	ctx context.Context, limit time.Duration, script *rueidis.Lua, args ...string,
) (answer rueidis.RedisMessage, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	err = retry(ctx, func() (err error) {
		answer, err = within(ctx, func() (rueidis.RedisMessage, error) {
			client, err := x.client.redis()
			if err != nil {
				return rueidis.RedisMessage{}, err
			}
			return exec(ctx, client, script, []string{x.lock.key, x.key}, args).ToMessage()
		})
		return err
	})
	return answer, err
}

// open decrypts a result.
func (x *sharedExchange) open(record string) ([]byte, error) {
	result, err := unseal(x.ciphers, record, x.key)
	if err == nil && len(result) == 0 {
		err = errSealed
	}
	return result, err
}
