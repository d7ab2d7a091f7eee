package upgrade_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/session"
)

const violation = "\x88\x02\x03\xf0" // the gateway's close frame, 1008

// The connection of a revoked visitor gets a close frame and is closed after a second,
// also if the client takes no data.
func TestRevoked(t *testing.T) {
	t.Parallel()
	isTheirs := func(s *session.Session) bool { return s.OpenID == "oRevoked" }
	for _, tt := range []struct {
		name    string
		session *session.Session
		sent    string // by the site before
		reads   bool   // the client takes data
		want    string // what the client gets
		took    time.Duration
	}{
		{"idle", &session.Session{OpenID: "oRevoked"}, "", true, violation, time.Second},
		{"after a frame", &session.Session{OpenID: "oRevoked"}, text, true, text + violation, time.Second},
		{"in a frame", &session.Session{OpenID: "oRevoked"}, text[:3], true, text[:3], time.Second},
		{"a client that stalls", &session.Session{OpenID: "oRevoked"}, "", false, "", time.Second},
		{"another visitor", &session.Session{OpenID: "oOther"}, text, true, text, 0},
		{"nobody", nil, text, true, text, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, true)
			r.conn.BelongsTo(tt.session)
			var received <-chan string
			if tt.reads {
				received = r.read()
			}
			write(t, r.conn, tt.sent, 100)
			began := time.Now()
			leave := r.set.Revoked(isTheirs)
			if (leave != nil) != (tt.took > 0) {
				t.Fatalf("%s: closed: %t, want %t", tt.name, leave != nil, tt.took > 0)
			}
			if leave != nil {
				if r.set.Revoked(isTheirs) != nil {
					t.Errorf("%s: closed twice", tt.name)
				}
				leave()
			}
			if took := time.Since(began); took != tt.took {
				t.Errorf("%s: took %v, want %v", tt.name, took, tt.took)
			}
			r.end()
			if tt.reads {
				if got := <-received; got != tt.want {
					t.Errorf("%s: the client gets %q, want %q", tt.name, got, tt.want)
				}
			}
		})
	}
}
