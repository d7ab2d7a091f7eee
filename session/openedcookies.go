package session

import (
	"strings"

	"github.com/maypok86/otter/v2"
)

// OpenedCookies remembers the sessions of cookies that stores have opened, so that
// the next request with the same cookie costs a lookup instead of a signature check
// and a decryption. Only a cookie that a store has sealed gets in: strangers cannot
// fill it. It is safe for concurrent use, and starts no goroutine that outlives a
// call.
//
// It remembers what a cookie says and nothing about the session today: each store
// asks for itself whether the session has ended or been revoked.
type OpenedCookies struct {
	sessions *otter.Cache[openedCookie, *Session]
}

// openedCookie is a cookie of one store. A store has the keys of one site and
// account, so the same value means nothing to another.
type openedCookie struct {
	store *CookieStore
	value string
}

// overheadBytes is about what an entry takes beside the value and the session's
// strings: the [Session], the key and the node of the cache.
const overheadBytes = 400

// NewOpenedCookies returns a memory of about maxBytes at most. If it is full, the
// cookies that are used least make room.
func NewOpenedCookies(maxBytes uint64) *OpenedCookies {
	return &OpenedCookies{otter.Must(&otter.Options[openedCookie, *Session]{
		MaximumWeight: maxBytes,
		// The session's strings are a part of what the value encodes.
		Weigher: func(cookie openedCookie, _ *Session) uint32 {
			return uint32(overheadBytes + 2*len(cookie.value))
		},
	})}
}

// find returns a copy of the session in a cookie that store has opened before; nil:
// it is not known.
func (o *OpenedCookies) find(store *CookieStore, value string) *Session {
	if o == nil {
		return nil
	}
	s, ok := o.sessions.GetIfPresent(openedCookie{store, value})
	if !ok {
		return nil
	}
	return new(*s)
}

// add remembers that store has opened a cookie.
func (o *OpenedCookies) add(store *CookieStore, value string, s *Session) {
	if o == nil {
		return
	}
	// The value is a part of the whole header, which need not live as long.
	o.sessions.Set(openedCookie{store, strings.Clone(value)}, new(*s))
}
