package session

import (
	"errors"
	"iter"
	"net/http"
	"time"
)

// IDCookie is the session cookie of one site for a [Store] that keeps its sessions
// elsewhere: the cookie holds only the bytes by which the store finds a session,
// encrypted and signed as [CookieStore] seals a whole session. It is safe for
// concurrent use.
type IDCookie struct {
	name     string
	jar      jar
	lifetime Lifetime
}

// NewIDCookie returns the cookie that c describes. It is none that a [CookieStore]
// accepts. An error names the field of c that is wrong.
func NewIDCookie(c Config) (*IDCookie, error) {
	if err := c.checkStore(); err != nil {
		return nil, err
	}
	jar, err := newJar(c, "session-id")
	if err != nil {
		return nil, err
	}
	return &IDCookie{name: c.CookieName(), jar: jar, lifetime: c.Lifetime}, nil
}

// All yields what the cookies of r hold, of the first eight that have the name
// those that [IDCookie.Set] has made.
func (c *IDCookie) All(r *http.Request) iter.Seq[string] {
	return func(yield func(string) bool) {
		for value := range cookiesNamed(r, c.name) {
			var id idBytes
			if c.jar.open(c.name, value, &id) == nil && !yield(string(id)) {
				return
			}
		}
	}
}

// Set adds the Set-Cookie header of a cookie that holds id to header, at most 1 KiB.
// The cookie lasts as long as s can be renewed, or ends with the browser if s is a
// snapshot user's.
func (c *IDCookie) Set(header http.Header, id string, s *Session) error {
	var maxAge time.Duration
	if !s.SnapshotUser {
		maxAge = max(time.Until(s.IssuedAt.Add(c.lifetime.MaxTTL)), time.Second)
	}
	sealed, err := c.jar.seal(c.name, idBytes(id))
	if err != nil {
		return err
	}
	return c.jar.set(header, c.name, sealed, maxAge)
}

// Remove adds a Set-Cookie header to header that removes the cookie.
func (c *IDCookie) Remove(header http.Header) { c.jar.remove(header, c.name) }

// idBytes is the content of an [IDCookie].
type idBytes []byte

// MarshalBinary implements [encoding.BinaryMarshaler].
func (b idBytes) MarshalBinary() ([]byte, error) { return b, nil }

// UnmarshalBinary implements [encoding.BinaryUnmarshaler].
func (b *idBytes) UnmarshalBinary(data []byte) error {
	if len(data) == 0 {
		return errors.New("empty id")
	}
	*b = data
	return nil
}
