package hub_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway/hub"
	"github.com/wxgate/wxgate/session"
)

const (
	site  = "https://shop1.cn"
	state = "00112233445566778899aabbccddeeff"
)

func newTickets(t testing.TB, keyByte byte) *hub.Tickets {
	t.Helper()
	key := sha256.Sum256([]byte{keyByte})
	tickets, err := hub.New(key[:])
	if err != nil {
		t.Fatal(err)
	}
	return tickets
}

func seal(t testing.TB, tickets *hub.Tickets, s *session.Session) string {
	t.Helper()
	ticket, err := tickets.Seal(site, state, s)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// visitor returns a visitor as a ticket describes them.
func visitor() *session.Session {
	return &session.Session{
		AppID: "wx0123456789abcdef", OpenID: "oABCDEFGHIJKLMNOPQRSTUVWXYZ0", UnionID: "u123", Scope: "snsapi_userinfo",
		Nickname: "小明 🐼", Avatar: "https://thirdwx.qlogo.cn/mmopen/x/132", SnapshotUser: true,
	}
}

func TestTicketTellsWhoTheVisitorIs(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 0)
	known := visitor()
	known.Subscribed, known.FollowAskedAt, known.IssuedAt, known.RenewedAt = true, at, at, at
	tests := []struct {
		name     string
		in, want *session.Session
	}{
		{"every field", visitor(), visitor()},
		{"openid alone", &session.Session{OpenID: "o1"}, &session.Session{OpenID: "o1"}},
		{"the times and the following stay at the hub", known, visitor()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := *test.in
			got, err := newTickets(t, 'k').Open(seal(t, newTickets(t, 'k'), test.in), site, state)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("opened session differs (-want +got):\n%s", diff)
			}
			if !cmp.Equal(before, *test.in) {
				t.Errorf("Seal changed the session to %+v", test.in)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tickets := newTickets(t, 'k')
	good := seal(t, tickets, visitor())
	otherKey := seal(t, newTickets(t, 'l'), visitor())
	type test struct{ name, ticket, site, state string }
	tests := []test{
		{"empty", "", site, state},
		{"noise", "bm9pc2U", site, state},
		{"oversized", strings.Repeat("A", 8000), site, state},
		{"other key", otherKey, site, state},
		{"truncated", good[:len(good)-1], site, state},
		{"lengthened", good + "A", site, state},
		{"twice", good + good, site, state},
		{"padded", good + "=", site, state},
		{"line break", good[:8] + "\n" + good[8:], site, state},
		{"space before", " " + good, site, state},
	}
	for _, other := range []string{
		"", "https://shop2.cn", "https://SHOP1.cn", "HTTPS://shop1.cn", "https://shop1.cn/", "https://shop1.cn:443",
		"https://a.shop1.cn", "https://shop1.cn.evil.example", "http://shop1.cn", "shop1.cn",
		site + " " + state, site + `" "`,
	} {
		tests = append(tests, test{"site " + other, good, other, state})
	}
	for _, other := range []string{
		"", state[:31], state + "0", strings.ToUpper(state), " " + state, session.NewState(), state + "|",
	} {
		tests = append(tests, test{"state " + other, good, site, other})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if s, err := tickets.Open(test.ticket, test.site, test.state); !errors.Is(err, hub.ErrRefused) || s != nil {
				t.Errorf("Open(ticket, %q, %q) = %v, %v, want ErrRefused", test.site, test.state, s, err)
			}
		})
	}
	if _, err := tickets.Open(good, site, state); err != nil {
		t.Errorf("Open(ticket, %q, %q) = %v, want the visitor", site, state, err)
	}
}

// A ticket does not open if a part of the site is moved to the state, or the
// other way round.
func TestSiteAndStateStayApart(t *testing.T) {
	t.Parallel()
	tickets := newTickets(t, 'k')
	tests := []struct{ site, state, otherSite, otherState string }{
		{"https://a.cn", "bc", "https://a.cnb", "c"},
		{"https://a.cn", "b c", "https://a.cn b", "c"},
		{"https://a.cn", `b" "c`, `https://a.cn" "b`, "c"},
		{"https://a.cn", "b|c", "https://a.cn|b", "c"},
		{"https://a.cn", "\xff", "https://a.cn", `\xff`},
		{"https://a.cn", "\xff", "https://a.cn", "\ufffd"},
	}
	for _, test := range tests {
		ticket, err := tickets.Seal(test.site, test.state, visitor())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tickets.Open(ticket, test.site, test.state); err != nil {
			t.Errorf("Open for %q and %q: %v", test.site, test.state, err)
		}
		if _, err := tickets.Open(ticket, test.otherSite, test.otherState); !errors.Is(err, hub.ErrRefused) {
			t.Errorf("a ticket for %q and %q opens for %q and %q: %v",
				test.site, test.state, test.otherSite, test.otherState, err)
		}
	}
}

// A ticket does not open if one bit or one character is changed. The last
// character may have bits that belong to no byte; tickets of three lengths cover
// each case.
func TestEveryBitCounts(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	tickets := newTickets(t, 'k')
	for _, nickname := range []string{"", "abc", "abcdef"} {
		s := visitor()
		s.Nickname = nickname
		ticket := seal(t, tickets, s)
		raw, err := base64.RawURLEncoding.DecodeString(ticket)
		if err != nil {
			t.Fatal(err)
		}
		for bit := range len(raw) * 8 {
			raw[bit/8] ^= 1 << (bit % 8)
			if _, err := tickets.Open(base64.RawURLEncoding.EncodeToString(raw), site, state); !errors.Is(err, hub.ErrRefused) {
				t.Errorf("with bit %d flipped: %v, want ErrRefused", bit, err)
			}
			raw[bit/8] ^= 1 << (bit % 8)
		}
		for i := range ticket {
			next := alphabet[strings.IndexByte(alphabet, ticket[i])^1]
			if _, err := tickets.Open(ticket[:i]+string(next)+ticket[i+1:], site, state); !errors.Is(err, hub.ErrRefused) {
				t.Errorf("with character %d of %d changed: %v, want ErrRefused", i, len(ticket), err)
			}
		}
	}
}

func TestSixtySeconds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		begin time.Duration // offset within a second: the limit is exact, not in whole seconds
		age   time.Duration
		opens bool
	}{
		{"at once", 0, 0, true},
		{"59 s", 999 * time.Millisecond, 59 * time.Second, true},
		{"60 s", 0, time.Minute, true},
		{"60 s, late in a second", 999 * time.Millisecond, time.Minute, true},
		{"just over 60 s", 0, time.Minute + 1, false},
		{"just over 60 s, late in a second", 999 * time.Millisecond, time.Minute + 1, false},
		{"a day", 0, 24 * time.Hour, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tickets := newTickets(t, 'k')
				time.Sleep(test.begin)
				ticket := seal(t, tickets, visitor())
				time.Sleep(test.age)
				_, err := tickets.Open(ticket, site, state)
				if (err == nil) != test.opens || err != nil && !errors.Is(err, hub.ErrRefused) {
					t.Errorf("Open after %v = %v, want it to open: %v", test.age, err, test.opens)
				}
			})
		})
	}
}

// The clock of each bubble starts at the same instant: a ticket that the first
// bubble seals after a sleep comes from the future of the second one.
func TestTenSecondsAhead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ahead time.Duration
		opens bool
	}{
		{9 * time.Second, true},
		{10 * time.Second, true},
		{10*time.Second + 1, false},
		{time.Hour, false},
	}
	for _, test := range tests {
		t.Run(test.ahead.String(), func(t *testing.T) {
			t.Parallel()
			var ticket string
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(test.ahead)
				ticket = seal(t, newTickets(t, 'k'), visitor())
			})
			synctest.Test(t, func(t *testing.T) {
				_, err := newTickets(t, 'k').Open(ticket, site, state)
				if (err == nil) != test.opens || err != nil && !errors.Is(err, hub.ErrRefused) {
					t.Errorf("Open of a ticket from %v ahead = %v, want it to open: %v", test.ahead, err, test.opens)
				}
			})
		})
	}
}

func TestTicketShowsNothing(t *testing.T) {
	t.Parallel()
	tickets, s := newTickets(t, 'k'), visitor()
	ticket := seal(t, tickets, s)
	if url.QueryEscape(ticket) != ticket {
		t.Errorf("%q needs escaping in a query", ticket)
	}
	if again := seal(t, tickets, s); again == ticket {
		t.Error("two tickets of one visitor are the same")
	}
	outer, err := base64.RawURLEncoding.DecodeString(ticket)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := base64.URLEncoding.DecodeString(strings.Split(string(outer), "|")[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{s.OpenID, s.UnionID, s.AppID, s.Nickname, s.Avatar, state} {
		if strings.Contains(ticket+string(outer)+string(inner), secret) {
			t.Errorf("%q stands in the ticket", secret)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	usual, longest := visitor(), visitor()
	usual.UnionID = usual.OpenID
	usual.Nickname = strings.Repeat("🐼", 32)
	usual.Avatar = strings.Repeat("a", 200)
	longest.OpenID, longest.UnionID = strings.Repeat("o", 128), strings.Repeat("u", 128)
	longest.Scope = strings.Repeat("s", 256)
	longest.Nickname, longest.Avatar = strings.Repeat("🐼", 64), strings.Repeat("a", 1024)
	tests := []struct {
		name string
		in   *session.Session
		most int
	}{
		{"usual fields", usual, 1200},
		{"the longest fields that package wechat accepts", longest, 3500},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tickets := newTickets(t, 'k')
			ticket := seal(t, tickets, test.in)
			if len(ticket) > test.most {
				t.Errorf("ticket of %d bytes, want %d at most", len(ticket), test.most)
			}
			if got, err := tickets.Open(ticket, site, state); err != nil || !cmp.Equal(test.in, got) {
				t.Errorf("Open = %+v, %v", got, err)
			}
		})
	}
}

func TestNotSealed(t *testing.T) {
	t.Parallel()
	tooLong := visitor()
	tooLong.Avatar = strings.Repeat("a", 3000)
	for name, s := range map[string]*session.Session{"no openid": {Nickname: "x"}, "too long": tooLong} {
		if ticket, err := newTickets(t, 'k').Seal(site, state, s); err == nil || ticket != "" {
			t.Errorf("%s: Seal = %q, %v, want an error", name, ticket, err)
		} else if strings.Contains(err.Error(), visitor().OpenID) {
			t.Errorf("%s: the error names the visitor: %v", name, err)
		}
	}
}

func TestShortKey(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 31} {
		if tickets, err := hub.New(make([]byte, n)); err == nil || tickets != nil {
			t.Errorf("New with %d bytes = %v, %v, want an error", n, tickets, err)
		}
	}
}

// FuzzOpen replaces a part of a sealed ticket. Only the unchanged ticket opens,
// and only with its own site and state.
func FuzzOpen(f *testing.F) {
	f.Add(uint16(0), uint16(0), "", site, state)
	f.Add(uint16(0), uint16(9999), "bm9pc2U", site, state)
	f.Add(uint16(20), uint16(24), "AAAA", site, state)
	f.Add(uint16(9999), uint16(9999), "=", site, state)
	f.Add(uint16(0), uint16(0), "", site+"/", state)
	f.Add(uint16(0), uint16(0), "", site, state+"0")
	tickets := newTickets(f, 'k')
	f.Fuzz(func(t *testing.T, from, to uint16, with, atSite, inState string) {
		ticket := seal(t, tickets, visitor())
		i := min(int(from), len(ticket))
		j := min(max(i, int(to)), len(ticket))
		tried := ticket[:i] + with + ticket[j:]
		want := tried == ticket && atSite == site && inState == state
		s, err := tickets.Open(tried, atSite, inState)
		if (err == nil) != want || (s != nil) != want || err != nil && !errors.Is(err, hub.ErrRefused) {
			t.Errorf("Open(%q, %q, %q) = %v, %v, want it to open: %v", tried, atSite, inState, s, err, want)
		}
	})
}
