package session

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// What cannot be opened is not remembered, so that strangers cannot make visitors'
// cookies be forgotten. No other package can see what is remembered.
func TestJunkIsNotRemembered(t *testing.T) {
	t.Parallel()
	opened := NewOpenedCookies(1 << 20)
	store, err := NewCookieStore(Config{
		Keys: Keys{Key("0123456789abcdefghijklmnopqrstuv")}, Site: "https://h5.example.com", AppID: "wx0123456789abcdef",
		Lifetime: Lifetime{TTL: time.Hour, MaxTTL: time.Hour}, Opened: opened,
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	value, err := store.jar.seal(store.name, &Session{OpenID: "visitor", IssuedAt: now, RenewedAt: now})
	if err != nil {
		t.Fatal(err)
	}
	load := func(value string) {
		store.Load(&http.Request{Header: http.Header{"Cookie": {store.name + "=" + value}}})
	}
	load(value)
	for i := range 100 {
		load(value[:len(value)-4] + fmt.Sprintf("%04d", i))
		load(fmt.Sprint("junk", i))
	}
	if n := opened.sessions.EstimatedSize(); n != 1 {
		t.Errorf("%d cookies are remembered, want the visitor's alone", n)
	}
}
