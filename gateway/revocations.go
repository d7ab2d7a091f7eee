package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/wxgate/wxgate/session"
)

// Revocations ends sessions before their time, on all replicas. Implementations are
// safe for concurrent use. See package
// [github.com/wxgate/wxgate/session/redisstore].
type Revocations interface {
	// Revoked reports whether s has been revoked. Every request of a visitor with a
	// session calls it, so it must not wait for anything.
	Revoked(s *session.Session) bool
	// Generation returns the [session.Session.Generation] of a login that begins now:
	// no revocation before now ends its session, and every later one does.
	Generation() uint64
}

// noRevocations revokes nothing.
type noRevocations struct{}

func (noRevocations) Revoked(*session.Session) bool { return false }
func (noRevocations) Generation() uint64            { return 0 }

// errRevoked is the cause of a refused login whose session was revoked before it
// was saved.
var errRevoked = errors.New("session was revoked during the login")

// revokedPeriod is how often the WebSockets of revoked visitors are looked for.
const revokedPeriod = time.Second

// closeRevoked closes the WebSockets of revoked visitors until ctx ends.
func (c *common) closeRevoked(ctx context.Context) {
	ticker := time.NewTicker(revokedPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if leave := c.upgrades.Revoked(c.revocations.Revoked); leave != nil {
				c.background.start(ctx, func(context.Context) { leave() })
			}
		}
	}
}

// endRevoked makes an event stream to a visitor end before the first event after
// their session is revoked.
func (c *common) endRevoked(res *http.Response, s *session.Session) {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if s != nil && media == "text/event-stream" {
		res.Body = &revocableBody{res.Body, c.revocations, s}
	}
}

// revocableBody is the body of a response to the visitor with a session.
type revocableBody struct {
	io.ReadCloser
	revocations Revocations
	session     *session.Session
}

// Read implements [io.Reader].
func (b *revocableBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.revocations.Revoked(b.session) {
		return 0, io.EOF
	}
	return n, err
}
