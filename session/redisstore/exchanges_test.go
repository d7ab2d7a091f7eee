package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

const loginState = "00112233445566778899aabbccddeeff"

// once runs an exchange that brings result, and returns what it brought.
func once(t *testing.T, e *redisstore.Exchanges, state, result string) string {
	t.Helper()
	got, err := e.Once(t.Context(), state, func(context.Context) ([]byte, error) { return []byte(result), nil })
	if err != nil {
		t.Errorf("Once: %v", err)
	}
	return string(got)
}

// Of ten replicas, one exchanges, on a server and in a cluster.
func TestExchangesOnce(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"server": redistest.Start(t).URL(), "cluster": redistest.StartCluster(t).URL(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ran atomic.Int64
			var replicas sync.WaitGroup
			for range 10 {
				e := connected(t, url).Exchanges(config('a'), time.Minute)
				replicas.Go(func() {
					got, err := e.Once(t.Context(), loginState, func(context.Context) ([]byte, error) {
						ran.Add(1)
						return []byte("visitor"), nil
					})
					if string(got) != "visitor" || err != nil {
						t.Errorf("Once = %q, %v", got, err)
					}
				})
			}
			replicas.Wait()
			if ran.Load() != 1 {
				t.Errorf("%d exchanges, want 1", ran.Load())
			}
		})
	}
}

// A result is that of one login, site and account, under any of the cookie keys.
func TestExchangesAreBound(t *testing.T) {
	t.Parallel()
	client := connected(t, redistest.Start(t).URL())
	first := client.Exchanges(config('a'), time.Minute)
	once(t, first, loginState, "first")
	site, account := config('a'), config('a')
	site.Site, account.AppID = "https://shop.example.com", "wx0000000000000001"
	for name, tt := range map[string]struct {
		exchanges *redisstore.Exchanges
		state     string
		want      string
	}{
		"again":           {first, loginState, "first"},
		"a new key":       {client.Exchanges(config('b', 'a'), time.Minute), loginState, "first"},
		"another key":     {client.Exchanges(config('b'), time.Minute), loginState, "second"},
		"no key":          {client.Exchanges(config(), time.Minute), loginState, "second"},
		"another site":    {client.Exchanges(site, time.Minute), loginState, "second"},
		"another account": {client.Exchanges(account, time.Minute), loginState, "second"},
		"another login":   {first, loginState[1:] + "0", "second"},
	} {
		if got := once(t, tt.exchanges, tt.state, "second"); got != tt.want {
			t.Errorf("%s: the result is of the %s exchange, want the %s", name, got, tt.want)
		}
	}
}

// After an error or a panic the next call exchanges for itself, without a wait.
func TestExchangesFail(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	e := connected(t, server.URL()).Exchanges(config('a'), time.Minute)
	refused := errors.New("refused")
	_, err := e.Once(t.Context(), loginState, func(context.Context) ([]byte, error) { return []byte("x"), refused })
	if err != refused {
		t.Errorf("Once: %v, want the error of the exchange", err)
	}
	func() {
		defer func() {
			if got := recover(); got != "a bug" {
				t.Errorf("Once panics with %v, want a bug", got)
			}
		}()
		e.Once(t.Context(), loginState, func(context.Context) ([]byte, error) { panic("a bug") })
	}()
	if keys := server.Do(t, "KEYS", "*"); keys != "" {
		t.Errorf("keys after failures: %q, want none", keys)
	}
	if got := once(t, e, loginState, "second"); got != "second" {
		t.Errorf("the result is %q, want that of the call's own exchange", got)
	}
}

// A call waits for another one no longer than it may, and takes over from a replica
// that has died.
func TestExchangesWait(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	e := client.Exchanges(config('a'), time.Minute)
	_, err := e.Once(t.Context(), loginState, func(context.Context) ([]byte, error) {
		if got := once(t, client.Exchanges(config('a'), time.Millisecond), loginState, "second"); got != "second" {
			t.Errorf("the result is %q, want that of the call's own exchange", got)
		}
		return []byte("first"), nil
	})
	if got := once(t, e, loginState, "third"); err != nil || got != "first" {
		t.Errorf("the result is %q (%v), want that of the first exchange", got, err)
	}
	key := strings.Replace(server.Do(t, "KEYS", "wxgate:result:*"), "wxgate:result:", "wxgate:lock:", 1)
	server.Flush(t)
	server.Do(t, "SET", key, "a dead replica", "PX", "300")
	if got := once(t, e, loginState, "fourth"); got != "fourth" {
		t.Errorf("the result is %q, want that of the call's own exchange", got)
	}
}

// Redis that refuses the commands is logged, without the login's state.
func TestExchangesRefused(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Users: map[string]string{
		"few": "on >secret ~wxgate:* &wxgate:* +@read +@connection +@transaction",
	}})
	var lines log
	client := connect(t, server.URLOf("few", "secret"), zerolog.New(&lines))
	eventually(t, "redis answers", func() bool { return client.Status().Answered })
	e := client.Exchanges(config('a'), time.Minute)
	for range 3 {
		if got := once(t, e, loginState, "own"); got != "own" {
			t.Errorf("the result is %q, want that of the call's own exchange", got)
		}
	}
	const message = "a login is not shared with other replicas"
	if text := lines.String(); strings.Count(text, message) != 1 || !strings.Contains(text, "ACL SETUSER") ||
		strings.Contains(text, loginState) {
		t.Errorf("log: %s\nwant one line %q with a hint", text, message)
	}
}
