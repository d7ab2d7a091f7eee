package redisstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/redis/rueidis"
)

const (
	// checkPrefix begins the keys that [Probe] writes.
	checkPrefix = "wxgate:check:"
	// checkedChannel is the channel on which revocations are published.
	checkedChannel = "wxgate:revocations"
	// checkMessage is the message of [Probe] there.
	checkMessage = "check"
)

// try tries what the gateway does with Redis.
func (p *prober) try(ctx context.Context, client rueidis.Client) {
	key := checkPrefix + rand.Text()
	p.report.Write = tryWrite(ctx, client, key)
	p.report.Script = rueidis.NewLuaScript("return ARGV[1]").Exec(ctx, client, []string{key}, []string{key}).Error()
	p.report.Publish = tryPublish(ctx, p.node(client, 0), p.node(client, len(p.report.Servers)-1))
	p.report.Latency = latency(ctx, client, key)
}

// node returns a client of one server of the report. A cluster's client may send a
// command without a key to a node that is down.
func (p *prober) node(client rueidis.Client, i int) rueidis.Client {
	return cmp.Or(client.Nodes()[p.report.Servers[i].Address], client)
}

// tryWrite writes a key, reads it through the cache, and deletes it.
func tryWrite(ctx context.Context, client rueidis.Client, key string) error {
	const life = 10 * time.Second // if the deletion fails
	b := client.B()
	if err := client.Do(ctx, b.Set().Key(key).Value(key).Px(life).Build()).Error(); err != nil {
		return err
	}
	got, err := client.DoCache(ctx, b.Get().Key(key).Cache(), life).ToString()
	if err == nil && got != key {
		err = errors.New("the value that was written is not the one that is read")
	}
	if deletion := client.Do(ctx, b.Del().Key(key).Build()).Error(); err == nil {
		err = deletion
	}
	return err
}

// tryPublish publishes a message at one server and waits until it arrives at the
// other.
func tryPublish(ctx context.Context, hearer, speaker rueidis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	subscribed, heard := make(chan struct{}, 1), make(chan struct{}, 1)
	receiving := rueidis.WithOnSubscriptionHook(ctx, func(s rueidis.PubSubSubscription) {
		if s.Kind == "subscribe" {
			notify(subscribed)
		}
	})
	ended := make(chan error, 1)
	go func() {
		ended <- hearer.Receive(receiving, hearer.B().Subscribe().Channel(checkedChannel).Build(),
			func(m rueidis.PubSubMessage) {
				if m.Message == checkMessage {
					notify(heard)
				}
			})
	}()
	select {
	case <-subscribed:
	case err := <-ended:
		return err
	}
	publish := speaker.B().Publish().Channel(checkedChannel).Message(checkMessage).Build()
	if err := speaker.Do(ctx, publish).Error(); err != nil {
		return err
	}
	select {
	case <-heard:
		return nil
	case <-ended:
		return &problem{"a message that was published does not arrive",
			"use a Redis that delivers messages to subscribers; some proxies do not"}
	}
}

// notify sends on a channel that has room for one.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// latency returns the median time of some reads of a key; 0 if one fails.
func latency(ctx context.Context, client rueidis.Client, key string) time.Duration {
	const trips = 5
	var times []time.Duration
	for range trips {
		begin := time.Now()
		err := client.Do(ctx, client.B().Get().Key(key).Build()).Error()
		if err != nil && !rueidis.IsRedisNil(err) {
			return 0
		}
		times = append(times, time.Since(begin))
	}
	slices.Sort(times)
	return times[trips/2]
}
