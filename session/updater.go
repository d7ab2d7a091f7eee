package session

import (
	"context"
	"net/http"
)

// An Updater is a [Store] that can change a session after its request has been
// answered. Only such a store may be given a [Session.Token].
type Updater interface {
	Store
	// Update returns a function that changes the session s, which Load returned for
	// r. Update itself reads r, the function does not.
	Update(r *http.Request, s *Session) Update
}

// Update changes one session in its store. It hands the session as the store has it
// now to change, and stores what change makes of it if that returns true. If the
// session is replaced meanwhile, it hands change that one too. The session keeps its
// cookie. ErrNone: the session has ended; it is not brought back.
//
// Of the Updates of one session, on all replicas, one runs at a time. ctx limits the
// wait for the others.
type Update func(ctx context.Context, change func(*Session) bool) error
