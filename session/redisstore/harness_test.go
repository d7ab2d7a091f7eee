package redisstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
)

// openID is the openid of the visitor whose sessions the tests keep.
const openID = "oVisitor0123456789abcdefghij"

// log is the output of a logger, safe for concurrent use.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// connect returns a client for the address, whose Run ends with the test.
func connect(t testing.TB, url string, logger zerolog.Logger) *redisstore.Client {
	t.Helper()
	c := newClient(t, url, logger)
	runClient(t, c)
	return c
}

// newClient returns a client for the address that does not run yet.
func newClient(t testing.TB, url string, logger zerolog.Logger) *redisstore.Client {
	t.Helper()
	var address redisstore.Address
	if err := address.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	return clientOf(t, redisstore.Config{Address: address, Logger: logger})
}

// clientOf returns a client as config describes that does not run yet.
func clientOf(t testing.TB, config redisstore.Config) *redisstore.Client {
	t.Helper()
	c, err := redisstore.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// runClient runs c until the test ends.
func runClient(t testing.TB, c *redisstore.Client) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
}

// connected returns a client that has had its first answer.
func connected(t testing.TB, url string) *redisstore.Client {
	t.Helper()
	c := connect(t, url, zerolog.Nop())
	eventually(t, "redis answers", func() bool { return c.Status().Answered })
	return c
}

// eventually waits until what is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so within 15 s: %s", what)
		}
	}
}

// config describes the cookies of one site. keys are the names of its keys.
func config(keys ...byte) session.Config {
	c := session.Config{
		Site:     "https://h5.example.com",
		AppID:    "wx0123456789abcdef",
		Secure:   true,
		Lifetime: session.Lifetime{TTL: 2 * time.Hour, MaxTTL: 10 * time.Hour},
	}
	for _, name := range keys {
		sum := sha256.Sum256([]byte{name})
		c.Keys = append(c.Keys, sum[:])
	}
	return c
}

// sessions returns the store of client for the site that c describes.
func sessions(t testing.TB, client *redisstore.Client, c session.Config, grace time.Duration) *redisstore.Store {
	t.Helper()
	store, err := client.Sessions(c, grace)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// visitor returns a new session.
func visitor() *session.Session {
	now := time.Now()
	return &session.Session{
		AppID: "wx0123456789abcdef", OpenID: openID, Scope: "snsapi_base", IssuedAt: now, RenewedAt: now,
	}
}

// request returns a request with cookies, each a name and a value.
func request(cookies ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if len(cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	return r
}

// cookieIn returns the cookie that header sets; "" if it sets none.
func cookieIn(header http.Header) string {
	pair, _, _ := strings.Cut(header.Get("Set-Cookie"), ";")
	return pair
}

// login saves a new session and returns its cookie. former are the browser's cookies.
func login(t testing.TB, store session.Store, former ...string) string {
	t.Helper()
	header := make(http.Header)
	if err := store.Save(request(former...), header, visitor()); err != nil {
		t.Fatalf("Save: %v", err)
	}
	return cookieIn(header)
}

// want checks what store says about a cookie: nil, session.ErrNone, or errAway for
// any other error.
func want(t testing.TB, store session.Store, cookie string, wanted error) {
	t.Helper()
	s, err := store.Load(request(cookie))
	if !is(err, wanted) {
		t.Fatalf("Load: %v, want %v", err, wanted)
	}
	if err == nil && s.OpenID != openID {
		t.Fatalf("Load: the session of %q, want %q", s.OpenID, openID)
	}
}

// due returns the session of a cookie as it is when it is renewed an hour later.
func due(t testing.TB, store session.Store, cookie string) *session.Session {
	t.Helper()
	s, err := store.Load(request(cookie))
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	s.RenewedAt = s.RenewedAt.Add(time.Hour)
	return s
}

var errAway = errors.New("an error that is not ErrNone")

func is(err, wanted error) bool {
	if wanted == errAway {
		return err != nil && !errors.Is(err, session.ErrNone)
	}
	return errors.Is(err, wanted)
}
