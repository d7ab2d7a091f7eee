package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

// A session is written in the lowest version that holds it, and keeps its generation
// and token.
func TestSessionVersions(t *testing.T) {
	t.Parallel()
	at := time.Unix(time.Now().Unix(), 0)
	token := &session.WebToken{Access: "access", ExpiresAt: at, Refresh: "refresh", RefreshUntil: at.Add(time.Hour)}
	for _, test := range []struct {
		name    string
		change  func(*session.Session)
		version byte
	}{
		{"nothing more", func(*session.Session) {}, 1},
		{"generation", func(s *session.Session) { s.Generation = 1 }, 3},
		{"largest generation", func(s *session.Session) { s.Generation = 1<<64 - 1 }, 3},
		{"generation and following", func(s *session.Session) {
			s.Generation, s.Subscribed, s.FollowAskedAt = 1, true, at
		}, 3},
		{"generation, a snapshot", func(s *session.Session) { s.Generation, s.SnapshotUser = 1, true }, 3},
		{"token", func(s *session.Session) { s.Token = token }, 3},
		{"all", func(s *session.Session) {
			s.Generation, s.Token, s.SnapshotUser, s.FollowAskedAt = 1_795_807_644_571, token, true, at
		}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := visitor()
			test.change(s)
			data, err := s.MarshalBinary()
			if err != nil || data[0] != test.version {
				t.Errorf("version = %d (%v), want %d", data[0], err, test.version)
			}
			got := session.Session{Generation: 7, Token: new(session.WebToken)} // both are overwritten
			if err := got.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*s, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

// A session keeps what WeChat answered about following. One without it has the
// form that older releases read.
func TestSessionFollowing(t *testing.T) {
	t.Parallel()
	now := time.Unix(time.Now().Unix(), 0)
	for _, test := range []struct {
		name       string
		subscribed bool
		askedAt    time.Time
		snapshot   bool
		version    byte
	}{
		{name: "not known", version: 1},
		{name: "not known, a snapshot", snapshot: true, version: 1},
		{name: "follows", subscribed: true, askedAt: now, version: 2},
		{name: "does not", askedAt: now, version: 2},
		{name: "does not, a snapshot", askedAt: now, snapshot: true, version: 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := visitor()
			s.Subscribed, s.FollowAskedAt, s.SnapshotUser = test.subscribed, test.askedAt, test.snapshot
			data, err := s.MarshalBinary()
			if err != nil || data[0] != test.version {
				t.Errorf("version = %d (%v), want %d", data[0], err, test.version)
			}
			got := session.Session{Subscribed: true, FollowAskedAt: now.Add(time.Hour)} // both are overwritten
			if err := got.UnmarshalBinary(data); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*s, got); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzSessionBinary(f *testing.F) {
	whole, _ := visitor().MarshalBinary()
	f.Add(whole)
	f.Add(whole[:10])
	follower := visitor()
	follower.Subscribed, follower.FollowAskedAt = true, follower.IssuedAt
	withFollow, _ := follower.MarshalBinary()
	f.Add(withFollow)
	follower.Generation, follower.Token = 1_795_807_644_571, &session.WebToken{Access: "a", Refresh: "r"}
	full, _ := follower.MarshalBinary()
	f.Add(full)
	f.Fuzz(func(t *testing.T, data []byte) {
		var s session.Session
		if s.UnmarshalBinary(data) != nil {
			return
		}
		again, err := s.MarshalBinary()
		var same session.Session
		if err != nil || same.UnmarshalBinary(again) != nil || !cmp.Equal(s, same) {
			t.Errorf("%x is read as %v, which is written as %x", data, s, again)
		}
	})
}
