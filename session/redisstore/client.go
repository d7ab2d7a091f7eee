package redisstore

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
	"github.com/rs/zerolog"
)

const (
	// readTimeout limits the wait for a session, which a visitor waits for too.
	readTimeout = time.Second
	// writeTimeout limits the wait for a write.
	writeTimeout = 2 * time.Second
	// askEvery is how often Redis is asked whether it answers.
	askEvery = time.Second
	// cacheLife is how long an answer is used that Redis has not called invalid.
	cacheLife = 3 * time.Second
)

// Client is a connection to Redis. It is safe for concurrent use; make one with
// [New].
type Client struct {
	address Address
	option  rueidis.ClientOption
	logger  zerolog.Logger
	current atomic.Pointer[rueidis.Client] // nil: Redis has not answered yet
	alive   atomic.Int64                   // when Redis last answered, in Unix nanoseconds
	shared  sharedDeadline
	redials redials
	gate    gate

	refusals everyMinute // the log says that Redis refuses writes

	first chan struct{} // closed when Redis has been asked once, whether it answered or not

	status status
	tasks  []func(context.Context) // run while Run runs
	late   sync.Map                // of *Shared: values that are to be stored when Redis answers

	revocations *Revocations // nil: nobody has asked for them
}

// New returns a client that has no connection yet: [Client.Run] opens it. An error
// names the field of c that is wrong.
func New(c Config) (*Client, error) {
	if c.Address.IsZero() {
		return nil, errors.New("redisstore: Address: required")
	}
	client := &Client{
		address: c.Address, option: c.Address.option(c.CAs), logger: c.Logger, first: make(chan struct{}),
	}
	client.option.DialCtxFn = client.redials.dial
	return client, nil
}

// Run connects to Redis, if need be again and again, and asks it once a second
// whether it answers. When ctx ends, Run closes the connection and returns. Call it
// once.
func (c *Client) Run(ctx context.Context) {
	var tasks sync.WaitGroup
	defer tasks.Wait()
	tasks.Go(func() { c.settleLate(ctx) })
	for _, task := range c.tasks {
		tasks.Go(func() { task(ctx) })
	}
	pause := time.NewTicker(askEvery)
	defer pause.Stop()
	for asked := false; ; {
		err := c.ask(ctx)
		if c.withoutCache(err) {
			continue
		}
		if ctx.Err() == nil {
			c.note(c.address.sealed(err))
		}
		if !asked {
			asked = true
			close(c.first)
		}
		select {
		case <-ctx.Done():
			c.Close()
			return
		case <-pause.C:
		}
	}
}

// awaitFirst waits until Redis has been asked once, or ctx ends.
func (c *Client) awaitFirst(ctx context.Context) {
	select {
	case <-c.first:
	case <-ctx.Done():
	}
}

// Connect opens the connection at once and returns why Redis does not answer; nil if it
// does. It is for a program that makes one request and does not call [Client.Run].
func (c *Client) Connect(ctx context.Context) error {
	err := c.ask(ctx)
	if c.withoutCache(err) {
		err = c.ask(ctx)
	}
	return c.address.sealed(err)
}

// Close closes the connection that [Client.Connect] has opened.
func (c *Client) Close() {
	if client := c.current.Swap(nil); client != nil {
		(*client).Close()
	}
}

// ask asks Redis whether it answers, over a new connection if there is none yet.
func (c *Client) ask(ctx context.Context) error {
	client, err := c.redis()
	if err != nil { // none yet
		if client, err = c.connect(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	// Not PING, which a client of a cluster sends to any node that it has heard of.
	err = client.Do(ctx, client.B().Get().Key(keyPrefix+"ping").Build()).Error()
	if rueidis.IsRedisNil(err) {
		return nil
	}
	return err
}

// connect opens the first connection. It takes no longer than the dialer of the
// option allows for each host.
func (c *Client) connect() (rueidis.Client, error) {
	client, err := rueidis.NewClient(c.option)
	if err != nil {
		if client != nil {
			client.Close()
		}
		return nil, err
	}
	c.current.Store(&client)
	return client, nil
}

// redis returns the connection, or an error until there is one.
func (c *Client) redis() (rueidis.Client, error) {
	if client := c.current.Load(); client != nil {
		return *client, nil
	}
	return nil, errNoAnswer
}

// withoutCache makes the next connection one without a cache if err says that Redis, or
// a proxy of it, does not know client-side caching. It reports whether it did.
func (c *Client) withoutCache(err error) bool {
	refused := err != nil && strings.HasPrefix(err.Error(), "NOPROTO")
	if c.option.DisableCache || !refused && !errors.Is(err, rueidis.ErrNoCache) {
		return false
	}
	c.option.DisableCache, c.option.AlwaysRESP2 = true, refused
	c.Close()
	c.logger.Warn().
		Str("hint", "each request now costs a round trip; Redis from version 6 on knows RESP3 and CLIENT TRACKING, "+
			"some managed services and proxies do not").
		Msg("redis has no client-side caching")
	return true
}
