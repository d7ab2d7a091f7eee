package gateway

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// A visitor whose browser keeps no cookies would be redirected to https in circles
// behind a proxy that always says http. So a visitor who asks for the same address
// again and again goes on to the login, whose page says what is wrong.
const (
	maxTurns     = 8                // redirects of one visitor to one address
	turnInterval = 10 * time.Second // within which they count
)

// circles counts redirects to https. It keeps the latest ones: a visitor who takes
// the place of another only makes their circle longer. It is safe for concurrent
// use.
type circles struct {
	seed maphash.Seed

	mu    sync.Mutex
	turns [4096]turn // by key
}

// turn is how often a visitor was redirected to one address.
type turn struct {
	key   uint64
	since time.Time
	count int
}

func newCircles() *circles { return &circles{seed: maphash.MakeSeed()} }

// turn notes that the visitor who sends r is about to be redirected, and reports
// whether they may be.
func (c *circles) turn(r *http.Request, clientIP netip.Addr) bool {
	key, now := c.key(r, clientIP), time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &c.turns[key%uint64(len(c.turns))]
	if t.key != key || now.Sub(t.since) >= turnInterval {
		*t = turn{key: key, since: now}
	}
	t.count++
	return t.count <= maxTurns
}

// key stands for the visitor who sends r and its address. A browser in a circle sends
// the same headers each time, proxies may add others.
func (c *circles) key(r *http.Request, clientIP netip.Addr) uint64 {
	var h maphash.Hash
	h.SetSeed(c.seed)
	maphash.WriteComparable(&h, clientIP)
	for _, text := range []string{r.Host, requestTarget(r)} {
		maphash.WriteComparable(&h, text)
	}
	for _, name := range []string{"User-Agent", "Accept", "Cookie", "X-Forwarded-Proto", "X-Forwarded-Host"} {
		for _, value := range r.Header[name] {
			maphash.WriteComparable(&h, value)
		}
		h.WriteByte(0)
	}
	return h.Sum64()
}
