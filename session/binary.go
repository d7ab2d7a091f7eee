package session

import (
	"encoding/binary"
	"errors"
	"time"
)

// The binary form of a session is a version byte, IssuedAt and RenewedAt in Unix
// seconds, a byte of flags, and the strings in the order of [Session.fields],
// each after its length. All numbers are unsigned varints. Every request decodes
// the form; it has a tenth of the size and the cost of gob's.
//
// Version 2 has FollowAskedAt after the flags. Version 3 has Generation after the
// flags, then FollowAskedAt and Token if their flags are set. A session is written
// in the lowest version that holds it, so that releases which know only that can
// read it while old and new replicas run side by side.

const (
	sessionVersion       = 1
	sessionVersionFollow = 2
	sessionVersionFull   = 3
)

const (
	flagSnapshotUser = 1 << 0
	flagSubscribed   = 1 << 1 // from version 2 on
	flagFollow       = 1 << 2 // version 3 only
	flagToken        = 1 << 3 // version 3 only
)

var errMalformed = errors.New("malformed binary form")

// MarshalBinary returns the compact form of s. It never fails.
func (s *Session) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, 64+len(s.AppID)+len(s.OpenID)+len(s.UnionID)+len(s.Scope)+len(s.Nickname)+len(s.Avatar))
	version := s.version()
	b = append(b, version)
	b = appendTime(b, s.IssuedAt)
	b = appendTime(b, s.RenewedAt)
	b = append(b, s.flags(version))
	if version == sessionVersionFull {
		b = binary.AppendUvarint(b, s.Generation)
	}
	if !s.FollowAskedAt.IsZero() {
		b = appendTime(b, s.FollowAskedAt)
	}
	if s.Token != nil {
		b = s.Token.append(b)
	}
	for _, field := range s.fields() {
		b = appendString(b, *field)
	}
	return b, nil
}

// version returns the lowest version of the binary form that holds s.
func (s *Session) version() byte {
	switch {
	case s.Generation > 0 || s.Token != nil:
		return sessionVersionFull
	case !s.FollowAskedAt.IsZero():
		return sessionVersionFollow
	default:
		return sessionVersion
	}
}

// flags returns the flags of s in the given version of the binary form.
func (s *Session) flags(version byte) (flags byte) {
	if s.SnapshotUser {
		flags |= flagSnapshotUser
	}
	follow := !s.FollowAskedAt.IsZero()
	if follow && s.Subscribed {
		flags |= flagSubscribed
	}
	if version == sessionVersionFull && follow {
		flags |= flagFollow
	}
	if s.Token != nil {
		flags |= flagToken
	}
	return flags
}

// UnmarshalBinary reads the form that [Session.MarshalBinary] writes. Anything
// else is an error, including trailing bytes.
func (s *Session) UnmarshalBinary(data []byte) error {
	if len(data) == 0 || data[0] < sessionVersion || data[0] > sessionVersionFull {
		return errMalformed
	}
	version := data[0]
	// All fields are parts of this string: one allocation instead of six.
	r := reader{rest: string(data[1:])}
	*s = Session{IssuedAt: r.time(), RenewedAt: r.time()}
	flags := r.byte()
	s.SnapshotUser = flags&flagSnapshotUser != 0
	if version == sessionVersionFull {
		s.Generation = r.uvarint()
	}
	if version == sessionVersionFollow || version == sessionVersionFull && flags&flagFollow != 0 {
		s.Subscribed, s.FollowAskedAt = flags&flagSubscribed != 0, r.time()
	}
	if version == sessionVersionFull && flags&flagToken != 0 {
		s.Token = r.token()
	}
	for _, field := range s.fields() {
		*field = r.string()
	}
	if r.broken || r.rest != "" || s.OpenID == "" {
		return errMalformed
	}
	return nil
}

// fields returns the strings of s in the order of the binary form.
func (s *Session) fields() [6]*string {
	return [...]*string{&s.AppID, &s.OpenID, &s.UnionID, &s.Scope, &s.Nickname, &s.Avatar}
}

func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(b, uint64(max(t.Unix(), 0)))
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// A reader reads values from the front of a string. If one is malformed, broken
// is set; the caller checks it after the last value.
type reader struct {
	rest   string
	broken bool
}

func (r *reader) byte() byte {
	if r.rest == "" {
		r.broken = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	var x uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		x |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return x
		}
	}
	r.broken = true
	return 0
}

func (r *reader) time() time.Time {
	const farFuture = 1 << 40 // seconds; a limit, so that time arithmetic does not overflow
	seconds := r.uvarint()
	if seconds > farFuture {
		r.broken = true
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

func (r *reader) string() string {
	n := r.uvarint()
	if r.broken || n > uint64(len(r.rest)) {
		r.broken = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}
