package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/session"
)

// Revocations ends the sessions of visitors on all replicas. Its methods may be called
// from several goroutines. See package
// [github.com/wxgate/wxgate/session/redisstore].
type Revocations interface {
	// Revoke ends all sessions of openID that began before now.
	Revoke(ctx context.Context, openID string) error
	// RevokeAll ends the sessions of everybody that began before now.
	RevokeAll(ctx context.Context) error
}

// maxRevokeBody limits the body of a revocation, in bytes.
const maxRevokeBody = 4 << 10

// revoke serves POST /v1/revoke. The body is {"openid": "…"} or {"all": true}. The
// response says which of the two was done.
func (a *api) revoke(w http.ResponseWriter, r *http.Request) {
	openID, e := readRevocation(w, r)
	id := rand.Text()
	switch {
	case e != nil:
	case a.revocations == nil:
		e = refusal.InvalidRequest(nil)
		e.Status = http.StatusConflict
		e.Message = "Nothing was revoked: revocation needs Redis. Set WXGATE_REDIS_URL."
	case openID == "":
		e = unconfirmed(a.revocations.RevokeAll(r.Context()))
	default:
		e = unconfirmed(a.revocations.Revoke(r.Context(), openID))
	}
	if e != nil {
		e.Log(a.logger, id)
		e.WriteJSON(w, id)
		return
	}
	what := "all"
	if openID != "" {
		what = "openid"
	}
	a.logger.Info().Str("request_id", id).Str("revoked", what).Msg("sessions revoked")
	refusal.WriteJSON(w, http.StatusOK, struct {
		Revoked string `json:"revoked"`
	}{what})
}

// unconfirmed returns the response to a revocation that failed; nil if it did not.
func unconfirmed(err error) *refusal.Error {
	if err == nil {
		return nil
	}
	e := refusal.StoreUnavailable(err)
	e.Message = "The revocation was not confirmed: " + err.Error()
	return e
}

// readRevocation returns the openid in the body of r, or "" for everybody's sessions.
func readRevocation(w http.ResponseWriter, r *http.Request) (openID string, e *refusal.Error) {
	malformed := func(message string) (string, *refusal.Error) {
		e := refusal.InvalidRequest(nil)
		e.Message = message
		return "", e
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return malformed("The Content-Type must be application/json.")
	}
	openid, all, err := decodeRevocation(http.MaxBytesReader(w, r.Body, maxRevokeBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return "", refusal.BodyTooLarge()
	}
	switch {
	case err != nil || all == (openid != nil):
		return malformed(`The body must be {"openid": "…"} or {"all": true}.`)
	case all:
		return "", nil
	}
	if err := session.CheckOpenID(*openid); err != nil {
		return malformed("openid: " + err.Error() + ".")
	}
	return *openid, nil
}

var errNotRevocation = errors.New("no revocation")

// decodeRevocation reads one JSON object without unknown or repeated members: what can
// be read in two ways might revoke the wrong sessions. openID is nil if the object has
// none.
func decodeRevocation(body io.Reader) (openID *string, all bool, err error) {
	decoder := json.NewDecoder(body)
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil, false, cmp.Or(err, errNotRevocation)
	}
	members := map[string]any{"openid": &openID, "all": &all}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, false, err
		}
		member := members[name.(string)]
		if member == nil {
			return nil, false, errNotRevocation
		}
		delete(members, name.(string))
		if err := decoder.Decode(member); err != nil {
			return nil, false, err
		}
	}
	if _, err := decoder.Token(); err != nil { // the end of the object
		return nil, false, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, false, cmp.Or(err, errNotRevocation)
	}
	return openID, all, nil
}
