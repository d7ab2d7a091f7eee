//go:build unix

package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// BenchmarkGatewayRedis is BenchmarkGateway with the session in Redis: of a visitor
// whom the process has seen, and (first) of one whom it has not.
func BenchmarkGatewayRedis(b *testing.B) {
	site := benchSite(b)
	server := redistest.Start(b, redistest.Options{Real: true})
	open := benchRedis(b, server)
	b.Run("seen", func(b *testing.B) {
		address, cookie := benchGatewayRedis(b, site, open)
		benchRequests(b, address, benchRequestOf(b, cookie), 600)
	})
	b.Run("first", func(b *testing.B) {
		address, cookie := benchGatewayRedis(b, site, func(c session.Config) (session.Store, error) {
			store, err := open(c)
			return forgetful{store, func() session.Store {
				fresh, _ := open(c)
				return fresh
			}}, err
		})
		benchRequests(b, address, benchRequestOf(b, cookie), 600)
	})
}

// forgetful is a store that has seen no session.
type forgetful struct {
	session.Store
	fresh func() session.Store
}

func (f forgetful) Load(r *http.Request) (*session.Session, error) { return f.fresh().Load(r) }

// benchRedis returns how a site makes its store in server.
func benchRedis(b *testing.B, server *redistest.Server) func(session.Config) (session.Store, error) {
	var address redisstore.Address
	if err := address.UnmarshalText([]byte(server.URL())); err != nil {
		b.Fatal(err)
	}
	client, err := redisstore.New(redisstore.Config{Address: address})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		client.Run(ctx)
	}()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
	for !client.Status().Answered {
		time.Sleep(time.Millisecond)
	}
	return func(c session.Config) (session.Store, error) { return client.Sessions(c, 10*time.Second) }
}

// benchGatewayRedis starts a gateway with a store and returns its address and the
// cookie of a visitor.
func benchGatewayRedis(b *testing.B, site *url.URL, open func(session.Config) (session.Store, error)) (address, cookie string) {
	var store session.Store
	r := newRig(b, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: site}}
		c.Logger = zerolog.New(io.Discard).With().Timestamp().Logger()
		c.Sessions = func(c session.Config) (made session.Store, err error) {
			made, err = open(c)
			store = made
			return made, err
		}
	})
	now, header := time.Now(), make(http.Header)
	s := &session.Session{AppID: rigAppID, OpenID: rigOpenID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now}
	if err := store.Save(httptest.NewRequest("GET", "/", nil), header, s); err != nil {
		b.Fatal(err)
	}
	cookie, _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
	return r.Listener.Addr().String(), cookie
}

// benchRequestOf returns the request of benchGet with another session.
func benchRequestOf(b *testing.B, cookie string) []byte {
	before, rest, _ := strings.Cut(benchHead(b, "GET"), "theme=dark; ")
	_, after, _ := strings.Cut(rest, ";")
	return []byte(before + "theme=dark; " + cookie + ";" + after + "\r\n")
}
