package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/wechat"
)

// sharedIn returns what shares a value of the account in c through Redis; nil without
// Redis. The kind of the value is "token" or "ticket"; a fetch of it makes so many
// calls to WeChat.
func sharedIn(redis *redisstore.Client, c *config.Config, kind string, calls int) wechat.Shared {
	if redis == nil {
		return nil
	}
	return shared{redis.Shared(redisstore.SharedConfig{
		Name:    kind + ":" + c.AppID + "@" + string(c.WeChatAPIURL),
		Keys:    c.CookieKeys,
		Wait:    time.Duration(calls)*c.WeChatTimeout + time.Second,
		Failure: keptFailure,
	})}
}

// shared is a [wechat.Shared] in Redis.
type shared struct{ value *redisstore.Shared }

func (s shared) Lease(
	ctx context.Context, need wechat.Need, fetch func(context.Context) (wechat.Lease, error),
) (wechat.Lease, error) {
	value, err := s.value.Get(ctx, redisstore.Need{
		Stale: need.Stale.Reveal(), Early: need.Early, Left: need.Left,
	}, func(ctx context.Context) (redisstore.Value, error) {
		lease, err := fetch(ctx)
		return redisstore.Value{Text: lease.Value.Reveal(), Lifetime: lease.Lifetime, Left: lease.Left}, err
	})
	if kept, ok := errors.AsType[*redisstore.KeptError](err); ok {
		err = &wechat.KeptError{Err: keptError(kept), Left: kept.Left}
	}
	return wechat.Lease{Value: wechat.Secret(value.Text), Lifetime: value.Lifetime, Left: value.Left}, err
}

// keptFailure returns the text of a fetch error that [keptError] reads: a refusal of
// WeChat's as JSON, or nothing.
func keptFailure(err error, failing time.Duration) (text string, pause time.Duration) {
	if refusal, ok := errors.AsType[*wechat.Error](err); ok {
		encoded, _ := json.Marshal(refusal) // strings and a number never fail
		text = string(encoded)
	}
	return text, wechat.SharedPause(err, failing)
}

// keptError returns the error of another replica's fetch.
func keptError(kept *redisstore.KeptError) error {
	var refusal wechat.Error
	if json.Unmarshal([]byte(kept.Text), &refusal) == nil && refusal.Code != 0 {
		return &refusal
	}
	return kept
}

// exchangesIn returns what has the codes of the site that c describes exchanged once
// over all replicas; nil without Redis.
func exchangesIn(c *config.Config, redis *redisstore.Client) func(session.Config) gateway.Exchanges {
	if redis == nil {
		return nil
	}
	const calls = 2 // for the openid and the profile
	return func(cookies session.Config) gateway.Exchanges {
		return redis.Exchanges(cookies, calls*c.WeChatTimeout+time.Second)
	}
}
