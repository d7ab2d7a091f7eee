package gateway_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// newRedis returns a client of a server, whose Run ends with the test.
func newRedis(t *testing.T, server *redistest.Server) *redisstore.Client {
	t.Helper()
	var address redisstore.Address
	if err := address.UnmarshalText([]byte(server.URL())); err != nil {
		t.Fatal(err)
	}
	c, err := redisstore.New(redisstore.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

// rateReplicas are gateways that count logins in one Redis.
type rateReplicas struct {
	redis     *redistest.Server
	gateways  []http.Handler
	strangers atomic.Int64 // that have come
	failures  atomic.Int64 // of Redis
}

// newRateReplicas starts n gateways. Their counts have begun when it returns.
func newRateReplicas(t *testing.T, n int, r gateway.Rate, o redistest.Options) *rateReplicas {
	t.Helper()
	s := &rateReplicas{redis: redistest.Start(t, o)}
	for range n {
		g, _ := newGateway(t, nil, withTickets, func(c *testConfig) {
			c.LoginRate, c.SharedRate = r, s.observe(newRedis(t, s.redis).CountLogins)
			c.AccessLog = false
		})
		s.gateways = append(s.gateways, g)
	}
	s.awaitCounts(t)
	return s
}

// observe counts the failures of count.
func (s *rateReplicas) observe(count gateway.SharedRate) gateway.SharedRate {
	return func(
		ctx context.Context, n int, per time.Duration, spent map[netip.Prefix]int,
	) (map[netip.Prefix]float64, error) {
		left, err := count(ctx, n, per, spent)
		if err != nil {
			s.failures.Add(1)
		}
		return left, err
	}
}

// awaitCounts waits until logins at each gateway are counted in Redis.
func (s *rateReplicas) awaitCounts(t *testing.T) {
	t.Helper()
	for _, g := range s.gateways {
		stranger := fmt.Sprintf("198.51.100.%d", s.strangers.Add(1))
		eventually(t, "a login is counted in Redis", func() bool {
			s.login(g, stranger)
			return s.redis.Do(t, "EXISTS", "wxgate:rate:"+stranger) == "1"
		})
	}
}

// login starts a login of a client at g and returns the status.
func (s *rateReplicas) login(g http.Handler, client string) int {
	return s.ask(g, client, "/_wx/login")
}

func (s *rateReplicas) ask(g http.Handler, client, target string) int {
	r := httptest.NewRequest(http.MethodGet, rigOrigin+target, nil)
	r.RemoteAddr = net.JoinHostPort(client, "1234")
	r.Header.Set("User-Agent", browserUA)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code
}

// allowed returns how many logins pass of n at each gateway, asked for by some clients
// of the addresses at the same time.
func (s *rateReplicas) allowed(n, atOnce int, clients ...string) int {
	var count, next atomic.Int64
	var all sync.WaitGroup
	for range atOnce {
		all.Go(func() {
			for i := int(next.Add(1)); i <= n*len(s.gateways); i = int(next.Add(1)) {
				if s.login(s.gateways[i%len(s.gateways)], clients[i%len(clients)]) == http.StatusFound {
					count.Add(1)
				}
			}
		})
	}
	all.Wait()
	return int(count.Load())
}

// wantShared checks that of a new client's logins the limit passes, and at most two
// more for each gateway. Where a machine is so busy that Redis does not answer in
// time, it tries again.
func (s *rateReplicas) wantShared(t *testing.T, what string, limit int, pass func(client string) int) {
	t.Helper()
	most := limit + 2*len(s.gateways)
	for range 5 {
		s.awaitCounts(t)
		before := s.failures.Load()
		got := pass(fmt.Sprintf("203.0.113.%d", s.strangers.Add(1)))
		if got >= limit && got <= most {
			return
		}
		if s.failures.Load() == before {
			t.Errorf("%s: %d logins passed, want %d to %d", what, got, limit, most)
			return
		}
	}
	t.Errorf("%s: Redis did not answer in time, five times", what)
}

// eventually waits until what is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so within 20 s: %s", what)
		}
	}
}

// A client gets through about as often as one gateway allows, over however many
// gateways they spread.
func TestLoginRateOverReplicas(t *testing.T) {
	t.Parallel()
	const limit = 40
	s := newRateReplicas(t, 4, gateway.Rate{Count: limit, Per: time.Hour}, redistest.Options{})
	for _, atOnce := range []int{1, 16, 160} {
		s.wantShared(t, fmt.Sprintf("%d at once", atOnce), limit, func(client string) int {
			return s.allowed(limit, atOnce, client)
		})
	}
	s.wantShared(t, "the addresses of a /64", limit, func(client string) int {
		net := "2001:db8:0:" + strings.TrimPrefix(client, "203.0.113.") + ":"
		return s.allowed(limit, 8, net+":1", net+":ffff:2", net+"ffff:ffff:ffff:3")
	})
	s.wantShared(t, "two clients", 2*limit, func(client string) int {
		return s.allowed(limit, 8, client, fmt.Sprintf("198.51.100.%d", s.strangers.Add(1)))
	})
	var last string
	s.wantShared(t, "first at one gateway", limit, func(client string) int {
		last = client
		one := &rateReplicas{gateways: s.gateways[:1]}
		return one.allowed(100, 8, client) + s.allowed(limit, 8, client)
	})
	for _, target := range []string{"/_wx/config", "/_wx/callback", "/_wx/jssdk?url=" + url.QueryEscape(rigOrigin+"/")} {
		for i, g := range s.gateways {
			if status := s.ask(g, last, target); status != http.StatusTooManyRequests {
				t.Errorf("%s at gateway %d = %d, want 429: all count together", target, i, status)
			}
		}
	}
	if ttl, _ := strconv.Atoi(s.redis.Do(t, "TTL", "wxgate:rate:"+last)); ttl < 3000 || ttl > 7200 {
		t.Errorf("the key of a client lasts %d s, want about an hour", ttl)
	}
}

// What has passed comes back once, not once at each gateway.
func TestLoginRateComesBack(t *testing.T) {
	t.Parallel()
	const per = time.Second
	s := newRateReplicas(t, 4, gateway.Rate{Count: 10, Per: per}, redistest.Options{})
	s.wantShared(t, "in two periods", 20, func(client string) (got int) {
		began := time.Now()
		var comesBack time.Duration // the time in which logins came back: a pause longer than a period brings no more
		for last := began; time.Since(began) < 2*per; {
			now := time.Now()
			comesBack += min(now.Sub(last), per)
			last = now
			got += s.allowed(5, 4, client)
			time.Sleep(per / 50)
		}
		return got - int(10*(comesBack-per)/per) // what a busy machine has taken longer
	})
}

// While Redis does not answer, logins go on, and each gateway counts for itself. When
// it is back, they count together again.
func TestLoginRateWithoutRedis(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]struct {
		begin func(*redistest.Server)
		end   func(*testing.T, *redistest.Server)
	}{
		"stopped": {(*redistest.Server).Stop, func(t *testing.T, s *redistest.Server) { s.Restart(t) }},
		"paused":  {(*redistest.Server).Pause, func(_ *testing.T, s *redistest.Server) { s.Resume() }},
		"no right": {func(s *redistest.Server) {
			s.Do(t, "ACL", "SETUSER", "default", "-eval")
		}, func(t *testing.T, s *redistest.Server) {
			s.Do(t, "ACL", "SETUSER", "default", "+eval")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newRateReplicas(t, 3, gateway.Rate{Count: 20, Per: time.Hour}, redistest.Options{Real: true})
			s.wantShared(t, "before", 20, func(client string) int { return s.allowed(20, 8, client) })
			outage.begin(s.redis)
			for i := range 200 { // far from the limit
				if status := s.login(s.gateways[i%3], fmt.Sprintf("192.0.2.%d", i)); status != http.StatusFound {
					t.Fatalf("login %d while Redis is away = %d, want the redirect", i, status)
				}
			}
			if got := s.allowed(40, 8, "192.0.2.250"); got != 60 {
				t.Errorf("%d logins passed while Redis is away, want 20 at each gateway", got)
			}
			outage.end(t, s.redis)
			s.wantShared(t, "afterwards", 20, func(client string) int { return s.allowed(20, 8, client) })
		})
	}
}

// A start without Redis works, and a limit of 0 is none.
func TestLoginRateStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	redis.Stop()
	for _, tt := range []struct {
		count, want int
	}{{3, 3}, {0, 100}} {
		g, _ := newGateway(t, nil, func(c *testConfig) {
			c.LoginRate = gateway.Rate{Count: tt.count, Per: time.Hour}
			c.SharedRate = newRedis(t, redis).CountLogins
		})
		s := &rateReplicas{gateways: []http.Handler{g}}
		if got := s.allowed(100, 4, "203.0.113.1"); got != tt.want {
			t.Errorf("limit %d: %d logins passed without Redis, want %d", tt.count, got, tt.want)
		}
	}
}
