package gateway

import (
	"encoding/base32"
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"time"
)

// facts are what is known about one request when it arrives. They are never
// changed.
type facts struct {
	start      time.Time
	id         string
	clientIP   netip.Addr
	trusted    bool // the peer is a trusted proxy
	plainHTTP  bool // a trusted proxy says that the visitor came by plain http
	navigation bool // a page load, not the request of a script or a program
}

// factsOf returns the facts about r.
func (c *common) factsOf(r *http.Request) facts {
	q := facts{start: time.Now(), navigation: navigation(r)}
	q.clientIP, q.trusted = c.trust.client(r)
	q.plainHTTP = q.trusted && forwardedHTTP(r.Header)
	q.id = requestID(r, q.trusted)
	return q
}

// clientIPText is the client's address for a log line.
func (q *facts) clientIPText() string {
	if !q.clientIP.IsValid() {
		return ""
	}
	return q.clientIP.String()
}

// requestID returns the id that a trusted proxy gave the request, or a new one.
func requestID(r *http.Request, trusted bool) string {
	if trusted {
		if id := r.Header.Get("X-Request-Id"); plainID(id) {
			return id
		}
	}
	return newRequestID()
}

// newRequestID returns 26 letters and digits that no other request has.
func newRequestID() string {
	var id [16]byte
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	return requestIDs.EncodeToString(id[:])
}

var requestIDs = base32.StdEncoding.WithPadding(base32.NoPadding)

// plainID reports whether id can stand unescaped in a header, a log line and a
// page.
func plainID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=':
		default:
			return false
		}
	}
	return true
}
