package redisstore

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// refusalEvery is how often the log says that Redis refuses writes.
const refusalEvery = time.Minute

// writeRefusals is when the log last said that Redis refuses writes, in Unix
// nanoseconds.
type writeRefusals struct{ logged atomic.Int64 }

// noteRefusal logs, once a minute, that Redis has refused a write. It may be full or a
// replica, and then still answers whether it is there.
func (c *Client) noteRefusal(err error) {
	if _, answered := errors.AsType[*rueidis.RedisError](err); !answered {
		return
	}
	now, last := time.Now(), c.refusals.logged.Load()
	if now.Sub(time.Unix(0, last)) < refusalEvery || !c.refusals.logged.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	c.logger.Error().Err(c.address.sealed(err)).Str("hint", Hint(err)).Msg("redis refuses writes: nobody can sign in")
}
