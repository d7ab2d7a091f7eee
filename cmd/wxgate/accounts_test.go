package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	legacyAPI = "/cgi-bin/token"
	stableAPI = "/cgi-bin/stable_token"
	ticketAPI = "/cgi-bin/ticket/getticket"
)

// A fleet is ten replicas, in the account's part of them, with one Redis.
type fleet struct {
	wx       *wechattest.Server
	redis    *redistest.Server
	configs  []*config.Config
	accounts []*accounts
}

func newFleet(t *testing.T, mode string) *fleet {
	t.Helper()
	f := &fleet{wx: wechattest.NewServer(), redis: redistest.Start(t)}
	t.Cleanup(f.wx.Close)
	for range 10 {
		f.add(t, mode, 'a')
	}
	f.connected()
	return f
}

// connected waits until Redis answers all replicas.
func (f *fleet) connected() {
	for _, a := range f.accounts {
		for status := a.redis.Status(); !status.Answered || status.Down > 0; status = a.redis.Status() {
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// add adds a replica. keys are the names of its cookie keys.
func (f *fleet) add(t *testing.T, mode string, keys ...byte) {
	t.Helper()
	c := &config.Config{
		AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, TokenMode: mode,
		WeChatAPIURL: config.BaseURL(f.wx.URL), WeChatTimeout: 5 * time.Second,
	}
	for _, key := range keys {
		c.CookieKeys = append(c.CookieKeys, session.Key(strings.Repeat(string(key), 32)))
	}
	if err := c.RedisURL.UnmarshalText([]byte(f.redis.URL())); err != nil {
		t.Fatal(err)
	}
	redis, err := openRedis(c, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { redis.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	f.configs = append(f.configs, c)
	f.accounts = append(f.accounts, newAccounts(observeNothing, redis))
}

// ask calls get on all replicas at once and returns their different results.
func (f *fleet) ask(get func(a *accounts, c *config.Config) (wechat.Secret, error)) map[string]int {
	var mu sync.Mutex
	var asking sync.WaitGroup
	results := make(map[string]int)
	for i, a := range f.accounts {
		asking.Go(func() {
			value, err := get(a, f.configs[i])
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				results[value.Reveal()]++
			} else if refusal, ok := errors.AsType[*wechat.Error](err); ok {
				results[fmt.Sprint(refusal.API, " ", refusal.Code)]++
			} else {
				results["away"]++
			}
		})
	}
	asking.Wait()
	return results
}

func (f *fleet) tokens(t *testing.T) map[string]int {
	return f.ask(func(a *accounts, c *config.Config) (wechat.Secret, error) {
		token, err := a.tokens(c).Token(t.Context())
		if err != nil {
			return "", err
		}
		return token.AccessToken, nil
	})
}

func (f *fleet) tickets(t *testing.T) map[string]int {
	return f.ask(func(a *accounts, c *config.Config) (wechat.Secret, error) {
		return a.ticketsOf(c).Ticket(t.Context())
	})
}

// users calls WeChat with the token.
func (f *fleet) users(t *testing.T) map[string]int {
	openID := f.wx.OpenID(wechattest.StockAppID, "lihua")
	return f.ask(func(a *accounts, c *config.Config) (wechat.Secret, error) {
		_, err := a.tokens(c).User(t.Context(), openID)
		return "found", err
	})
}

func (f *fleet) want(t *testing.T, path string, calls int) {
	t.Helper()
	if got := f.wx.Calls(path); got != calls {
		t.Errorf("%d calls of %s, want %d", got, path, calls)
	}
}

// all checks that the replicas have one result, which it returns.
func all(t *testing.T, results map[string]int) string {
	t.Helper()
	for result, n := range results {
		if len(results) == 1 {
			return result
		}
		t.Errorf("%d replicas: %.12s…", n, result)
	}
	t.Fatalf("%d different results, want one", len(results))
	return ""
}

// Ten replicas fetch a legacy token and a ticket once, at the start and when WeChat
// refuses the token, and nobody can read them in Redis.
func TestReplicasFetchOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "legacy")
	token, ticket := all(t, f.tokens(t)), all(t, f.tickets(t))
	f.want(t, legacyAPI, 1)
	f.want(t, ticketAPI, 1)
	for key := range strings.Lines(f.redis.Do(t, "KEYS", "*")) {
		record := f.redis.Do(t, "GET", strings.TrimSpace(key))
		if strings.Contains(record, token) || strings.Contains(record, ticket) || strings.Contains(key, token) {
			t.Errorf("%s shows the token or the ticket", key)
		}
	}
	f.wx.VoidTokens(wechattest.StockAppID)
	if got := all(t, f.users(t)); got != "found" {
		t.Errorf("calls after the end of the token: %s", got)
	}
	if all(t, f.tokens(t)) == token {
		t.Error("the replicas still have the token that WeChat refused")
	}
	f.want(t, legacyAPI, 2)

	f.add(t, "legacy", 'b', 'a') // the next cookie key
	all(t, f.tokens(t))
	all(t, f.tickets(t))
	f.want(t, legacyAPI, 2)
	f.want(t, ticketAPI, 1)
}

// A stable token needs no sharing, its ticket does.
func TestReplicasWithStableTokens(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "stable")
	all(t, f.tokens(t))
	all(t, f.tickets(t))
	f.want(t, stableAPI, 10)
	f.want(t, ticketAPI, 1)
	if keys := f.redis.Do(t, "KEYS", "wxgate:value:*token*"); keys != "" {
		t.Errorf("Redis keeps %s", keys)
	}
}

// While WeChat fails, ten replicas ask it once, and all say what WeChat said.
func TestReplicasAskAFailingWeChatOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path  string
		fault wechattest.Fault
		want  string
		calls int // at most; the pause after a temporary failure is a second
	}{
		{legacyAPI, wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 45009}, "cgi-bin/token 45009", 3},
		{legacyAPI, wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 40125}, "cgi-bin/token 40125", 1},
		{legacyAPI, wechattest.Fault{Mode: wechattest.FaultStatus}, "away", 3},
		{legacyAPI, wechattest.Fault{Mode: wechattest.FaultResetBefore}, "away", 3},
		{ticketAPI, wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 48001}, "cgi-bin/ticket/getticket 48001", 1},
	} {
		t.Run(test.path+" "+test.want, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, "legacy")
			test.fault.Path, test.fault.Times = test.path, -1
			f.wx.Fault(test.fault)
			ask := f.tokens
			if test.path == ticketAPI {
				ask = f.tickets
			}
			if got := all(t, ask(t)); got != test.want {
				t.Errorf("the replicas get %s, want %s", got, test.want)
			}
			if n := f.wx.Calls(test.path); n < 1 || n > test.calls {
				t.Errorf("%d calls, want one or at most %d", n, test.calls)
			}
		})
	}
}

// A replica whose own address WeChat refuses keeps the others from nothing, and goes
// on with their token.
func TestReplicaAtAnUnlistedAddress(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "legacy")
	f.wx.Fault(wechattest.Fault{Path: legacyAPI, Mode: wechattest.FaultErrcode, Code: 40164})
	results := f.tokens(t)
	if refused := results["cgi-bin/token 40164"]; refused != 1 || len(results) != 2 {
		t.Errorf("%d replicas are refused, %d different results, want 1 and 2", refused, len(results))
	}
	f.want(t, legacyAPI, 2)
}

// While Redis is away, each replica has a token of its own.
func TestReplicasWithoutRedis(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "legacy")
	f.redis.Stop()
	results := f.tokens(t)
	if len(results) != 10 || results["away"] > 0 {
		t.Errorf("%d different tokens, %d errors, want 10 and none", len(results), results["away"])
	}
	f.want(t, legacyAPI, 10)
	f.redis.Restart(t)
	f.wx.VoidTokens(wechattest.StockAppID)
	f.connected()
	if got := all(t, f.users(t)); got != "found" {
		t.Errorf("calls when Redis is back: %s", got)
	}
	all(t, f.tokens(t))
	f.want(t, legacyAPI, 11)
}

// A fetch error never shows the AppSecret, in Redis neither.
func TestKeptErrorIsSecret(t *testing.T) {
	t.Parallel()
	f := newFleet(t, "legacy")
	f.wx.Fault(wechattest.Fault{Path: legacyAPI, Mode: wechattest.FaultErrcode, Code: 40125, Times: -1})
	all(t, f.tokens(t))
	var kept strings.Builder
	for key := range strings.Lines(f.redis.Do(t, "KEYS", "*")) {
		kept.WriteString(f.redis.Do(t, "GET", strings.TrimSpace(key)))
	}
	records := kept.String()
	if records == "" || strings.Contains(records, wechattest.StockAppSecret) || strings.Contains(records, "40125") {
		t.Errorf("Redis keeps %q, want an encrypted error", records)
	}
}
