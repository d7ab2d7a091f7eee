package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session"
)

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
