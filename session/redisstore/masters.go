package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// slots is the number of slots of a cluster.
const slots = 16384

// masters returns the addresses of the servers that hold the data. There is at least
// one.
func (p *prober) masters(ctx context.Context) ([]string, error) {
	switch p.address.Kind {
	case Sentinel:
		return p.ofHosts(func(host string) ([]string, error) {
			master, err := p.askSentinel(ctx, host)
			if err != nil {
				return nil, fmt.Errorf("sentinel %s: %w", host, err)
			}
			p.report.Sentinels++
			return []string{master}, nil
		})
	case Cluster:
		return p.ofHosts(func(host string) ([]string, error) {
			masters, err := p.askNode(ctx, host)
			if err != nil {
				return nil, fmt.Errorf("node %s: %w", host, err)
			}
			return masters, nil
		})
	default:
		return p.address.Hosts, nil
	}
}

// ofHosts asks all hosts and returns the first answer. The errors of the others are
// in the report. If no host answers, it returns the error that says most: that of a
// host that could be reached.
func (p *prober) ofHosts(ask func(host string) ([]string, error)) ([]string, error) {
	var answer []string
	for _, host := range p.address.Hosts {
		masters, err := ask(host)
		if err != nil {
			p.report.Silent = append(p.report.Silent, err)
		} else if answer == nil {
			answer = masters
		}
	}
	if answer != nil {
		return answer, nil
	}
	for _, err := range p.report.Silent {
		_, refused := errors.AsType[*rueidis.RedisError](err)
		_, explained := errors.AsType[*problem](err)
		if refused || explained {
			return nil, err
		}
	}
	return nil, p.report.Silent[0]
}

// askSentinel asks one sentinel for the master's address.
func (p *prober) askSentinel(ctx context.Context, host string) (string, error) {
	option := p.one(host)
	option.Username, option.Password, option.SelectDB = p.address.SentinelUsername, p.address.SentinelPassword, 0
	option.DisableCache = true
	client, err := p.connect(ctx, host, option)
	if err != nil {
		return "", sentinelError(err)
	}
	defer client.Close()
	ask := client.B().SentinelGetMasterAddrByName().Master(p.address.Master).Build()
	master, err := client.Do(ctx, ask).AsStrSlice()
	switch {
	case rueidis.IsRedisNil(err):
		return "", &problem{"knows no master of the name " + strconv.Quote(p.address.Master),
			"correct ?master= in WXGATE_REDIS_URL: sentinel.conf has the name behind sentinel monitor"}
	case err != nil:
		return "", sentinelError(err)
	case len(master) != 2:
		return "", errors.New("answers with no address of a master")
	}
	return net.JoinHostPort(master[0], master[1]), nil
}

// sentinelError gives an error answer of a sentinel a hint of its own: a sentinel has
// other users than the servers.
func sentinelError(err error) error {
	refused, ok := errors.AsType[*rueidis.RedisError](err)
	if !ok {
		return err
	}
	hint := ""
	switch text := refused.Error(); {
	case strings.HasPrefix(text, "WRONGPASS"), strings.HasPrefix(text, "invalid password"):
		hint = "correct sentinel_username and sentinel_password in WXGATE_REDIS_URL, " +
			"which the sentinels have of their own"
	case strings.HasPrefix(text, "NOAUTH"):
		hint = "add &sentinel_password= (and &sentinel_username=) to WXGATE_REDIS_URL: " +
			"the sentinels want a password of their own"
	case strings.HasPrefix(text, "NOPERM"):
		hint = "allow the sentinel_username of WXGATE_REDIS_URL what wxgate needs, such as: " +
			"ACL SETUSER wxgate &* +@connection +@pubsub +sentinel"
	case strings.HasPrefix(text, "AUTH "):
		hint = "remove sentinel_password from WXGATE_REDIS_URL, or set one in the sentinels"
	case strings.HasPrefix(text, "unknown command"):
		hint = "correct the hosts in WXGATE_REDIS_URL: this is no sentinel (their port is 26379); " +
			"write redis:// for a server without sentinels"
	default:
		return err
	}
	return &problem{refused.Error(), hint}
}

// askNode asks one node of the cluster for all masters.
func (p *prober) askNode(ctx context.Context, host string) ([]string, error) {
	option := p.one(host)
	option.DisableCache = true
	client, err := p.connect(ctx, host, option)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ranges, err := client.Do(ctx, client.B().ClusterSlots().Build()).ToArray()
	if err != nil {
		return nil, err
	}
	masters, served := parseSlots(ranges, host)
	if served < slots {
		return nil, &problem{fmt.Sprintf("the cluster serves %d of %d slots", served, slots),
			"start the masters that are down, or give all slots to the others: redis-cli --cluster fix"}
	}
	return masters, nil
}

// parseSlots returns the masters in an answer to CLUSTER SLOTS, and the number of
// slots that they serve. A node that does not know its own address is the one that
// was asked.
func parseSlots(ranges []rueidis.RedisMessage, asked string) (masters []string, served int) {
	seen := make(map[string]bool)
	for _, r := range ranges {
		fields, err := r.ToArray()
		if err != nil || len(fields) < 3 {
			continue
		}
		first, _ := fields[0].AsInt64()
		last, _ := fields[1].AsInt64()
		node, err := fields[2].ToArray()
		if err != nil || len(node) < 2 {
			continue
		}
		host, _ := node[0].ToString()
		port, _ := node[1].AsInt64()
		if host == "" || host == "?" {
			host, _, _ = net.SplitHostPort(asked)
		}
		served += int(last-first) + 1
		if master := net.JoinHostPort(host, strconv.FormatInt(port, 10)); !seen[master] {
			seen[master], masters = true, append(masters, master)
		}
	}
	return masters, served
}
