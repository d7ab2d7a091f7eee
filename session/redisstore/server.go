package redisstore

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// server connects to one server that holds data, with client-side caching if it has
// that, and asks what it is.
func (p *prober) server(ctx context.Context, address string) (Server, error) {
	s := Server{Address: address}
	option := p.one(address)
	client, err := p.connect(ctx, address, option)
	if errors.Is(err, rueidis.ErrNoCache) {
		s.NoTracking = noTracking(err)
		option.DisableCache = true
		client, err = p.connect(ctx, address, option)
	}
	if err != nil {
		return s, p.about(address, err)
	}
	defer client.Close()
	facts := ask(ctx, client)
	if err := p.unfit(facts); err != nil {
		return s, p.about(address, err)
	}
	s.Version = cmp.Or(facts["version"], facts["redis_version"])
	role := cmp.Or(facts["role"], "master")
	s.Replica = role != "master"
	s.RESP3 = s.NoTracking == nil || facts["proto"] == "3"
	s.EvictionPolicy = facts["maxmemory_policy"]
	return s, nil
}

// noTracking returns why the server has no client-side caching.
func noTracking(err error) error {
	refusal, _, refused := strings.Cut(err.Error(), ": [CLIENT")
	if !refused {
		return &problem{"the server does not know RESP3", "use Redis 6 or later"}
	}
	hint := "use Redis 6 or later, or a managed service or proxy that knows CLIENT TRACKING"
	if strings.Contains(refusal, "NOPERM") {
		hint = refusalHint(refusal)
	}
	return &problem{refusal, hint}
}

// ask returns what the server says about itself in its answers to HELLO, INFO and
// CONFIG GET, as far as the user may ask. The same name may be in several: HELLO
// counts before INFO.
func ask(ctx context.Context, client rueidis.Client) map[string]string {
	facts := make(map[string]string)
	b := client.B()
	if info, err := client.Do(ctx, b.Info().Build()).ToString(); err == nil {
		for line := range strings.Lines(info) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				facts[name] = value
			}
		}
	}
	hello, _ := client.Do(ctx, b.Arbitrary("HELLO").Build()).AsMap()
	for _, name := range []string{"version", "mode", "role", "proto"} {
		field := hello[name]
		if text, err := field.ToString(); err == nil {
			facts[name] = text
		} else if n, err := field.AsInt64(); err == nil {
			facts[name] = strconv.FormatInt(n, 10)
		}
	}
	// A managed Redis allows INFO at most.
	const policy = "maxmemory-policy"
	config, _ := client.Do(ctx, b.ConfigGet().Parameter(policy).Build()).AsStrMap()
	facts["maxmemory_policy"] = cmp.Or(config[policy], facts["maxmemory_policy"])
	return facts
}

// unfit returns an error if the server is of another kind than the address says, or
// not ready.
func (p *prober) unfit(facts map[string]string) error {
	mode := cmp.Or(facts["mode"], facts["redis_mode"])
	switch {
	case facts["loading"] == "1":
		const text = "LOADING Redis is loading the dataset in memory"
		return &problem{text, refusalHint(text)}
	case mode == "sentinel":
		return &problem{"this is a sentinel", "write redis+sentinel://host1,host2/0?master=NAME in WXGATE_REDIS_URL " +
			"(rediss+sentinel:// for TLS), or the address of Redis itself"}
	case p.address.Kind != Cluster && (mode == "cluster" || facts["cluster_enabled"] == "1"):
		return &problem{"this is a node of a cluster", "write redis+cluster://host1,host2 in WXGATE_REDIS_URL " +
			"(rediss+cluster:// for TLS)"}
	}
	return nil
}
