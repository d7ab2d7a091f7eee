package redisstore

import (
	"errors"

	"github.com/redis/rueidis"
)

// noteRefusal logs, once a minute, that Redis has refused a write. It may be full or a
// replica, and then still answers whether it is there.
func (c *Client) noteRefusal(err error) {
	if _, answered := errors.AsType[*rueidis.RedisError](err); answered && c.refusals.due() {
		c.logger.Error().Err(c.address.sealed(err)).Str("hint", Hint(err)).
			Msg("redis refuses writes: nobody can sign in")
	}
}
