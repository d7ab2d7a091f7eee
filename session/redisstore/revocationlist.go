package redisstore

import (
	"crypto/sha256"
	"maps"

	"github.com/wxgate/wxgate/session"
)

// A revocation is an entry of the list in Redis.
type revocation struct {
	member     string // a hash of the openid, see memberOf, or everybody
	generation uint64
}

// member names a visitor in the list without telling who it is. Openids cannot be
// guessed, so the hash needs no key: replicas with other cookie keys make the same one.
type member [16]byte

// memberOf returns the member for an openid.
func memberOf(openID string) member {
	const purpose = "wxgate revocation v1 "
	var buffer [len(purpose) + 128]byte // of no longer openid, so that nothing is allocated
	sum := sha256.Sum256(append(append(buffer[:0], purpose...), openID...))
	return member(sum[:len(member{})])
}

// revocationList holds the revocations in force. It is never changed.
type revocationList struct {
	newest   uint64 // newest generation ever known; 0: none
	all      uint64 // generation of everybody's revocation; 0: there is none
	byMember map[string]uint64
}

// ends reports whether a revocation ends s.
func (l *revocationList) ends(s *session.Session) bool {
	switch {
	case s.Generation >= l.newest:
		return false
	case s.Generation < l.all:
		return true
	case len(l.byMember) == 0:
		return false
	}
	m := memberOf(s.OpenID)
	return s.Generation < l.byMember[string(m[:])]
}

// with returns the list with further revocations, and without those of generations up
// to oldest. A revocation of everybody replaces all earlier ones.
func (l *revocationList) with(list []revocation, oldest uint64) *revocationList {
	if len(list) == 0 && !l.hasUpTo(oldest) {
		return l
	}
	next := &revocationList{newest: l.newest, byMember: make(map[string]uint64, len(l.byMember)+len(list))}
	maps.Copy(next.byMember, l.byMember)
	for _, x := range list {
		next.newest = max(next.newest, x.generation)
		next.byMember[x.member] = max(next.byMember[x.member], x.generation)
	}
	all := next.byMember[everybody]
	maps.DeleteFunc(next.byMember, func(_ string, generation uint64) bool {
		return generation < all || generation <= oldest
	})
	next.all = next.byMember[everybody]
	return next
}

// hasUpTo reports whether there is a revocation of a generation up to oldest.
func (l *revocationList) hasUpTo(oldest uint64) bool {
	for _, generation := range l.byMember {
		if generation <= oldest {
			return true
		}
	}
	return false
}

// missing returns the revocations of l that are not in stored.
func (l *revocationList) missing(stored []revocation) (list []revocation) {
	has := make(map[string]uint64, len(stored))
	for _, x := range stored {
		has[x.member] = x.generation
	}
	for m, generation := range l.byMember {
		if has[m] < generation {
			list = append(list, revocation{m, generation})
		}
	}
	return list
}
