package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

const (
	// followGrace is how long an answer holds that WeChat cannot renew.
	followGrace = 24 * time.Hour

	// followPause is how soon WeChat may be asked about the same visitor again:
	// by the button of the page that asks her to follow, or after a failure.
	followPause = 3 * time.Second

	// followPatience is how long a request waits for WeChat whose visitor has an
	// answer to go on with.
	followPatience = time.Second
)

// follow knows which visitors follow the account. What WeChat said is kept in
// the session; here is only what the visitor's cookie may not know yet. It is
// safe for concurrent use.
type follow struct {
	tokens  *wechat.TokenSource
	recheck time.Duration
	picture string // address of the account's QR code, or empty
	logger  zerolog.Logger

	mu       sync.Mutex
	visitors map[string]*followed // by openid
	sweepAt  int                  // visitors at which the old ones are forgotten
	failedAt time.Time            // when WeChat last gave no answer, about whomever
}

// followed is what is known about one visitor.
type followed struct {
	last     followAnswer
	failedAt time.Time
	asking   chan struct{} // closed when WeChat has been asked; nil: nobody asks
}

// followAnswer is what WeChat said about one visitor; the zero value is nothing.
type followAnswer struct {
	subscribed bool
	at         time.Time
}

// belief is how long an answer stands for itself before WeChat is asked again.
type belief struct{ yes, no time.Duration }

// newFollow returns nil where nobody has to follow.
func newFollow(c Config, logger zerolog.Logger) (*follow, error) {
	if !c.RequireFollow {
		return nil, nil
	}
	f := &follow{
		tokens:   c.Tokens,
		recheck:  cmp.Or(c.FollowRecheck, 10*time.Minute),
		picture:  c.FollowQRURL,
		logger:   logger,
		visitors: make(map[string]*followed),
		sweepAt:  minSweep,
	}
	u, err := url.Parse(f.picture)
	switch {
	case c.Tokens == nil || c.Tokens.Client == nil:
		return nil, errors.New("RequireFollow: Tokens with a Client are required")
	case c.Tokens.Client.AppID != c.Account.AppID:
		return nil, errors.New("RequireFollow: Tokens are those of another account")
	case f.recheck < 0:
		return nil, fmt.Errorf("FollowRecheck: %s: expected a positive time", f.recheck)
	case err != nil, f.picture != "" && pages.PolicyOrigin(f.picture) == "" && (!strings.HasPrefix(f.picture, "/") || u.Host != ""):
		return nil, errors.New("FollowQRURL: expected an address that begins with https:// or http://, or a path of this site")
	}
	return f, nil
}

// atLogin, onPage and inScript are what is believed when a visitor signs in,
// loads a page, and lets a page's script ask. A page load asks again after a no
// as soon as it may: the visitor has pressed the button.
func (f *follow) atLogin() belief  { return belief{followPause, followPause} }
func (f *follow) onPage() belief   { return belief{f.recheck, followPause} }
func (f *follow) inScript() belief { return belief{f.recheck, f.recheck} }

// settle returns s with the newest answer about its visitor, which is asked for
// where b does not hold the last one good. It is s itself where that knows the
// newest, or where WeChat gives none.
//
// One question about a visitor is under way at a time, and outlives whoever
// began it. A request whose visitor has an answer goes on with it when WeChat
// is slow or away.
func (f *follow) settle(ctx context.Context, s *session.Session, b belief) *session.Session {
	last, asking := f.consult(ctx, s, b)
	if asking == nil {
		return last.keptIn(s)
	}
	var patience <-chan time.Time
	if last.holds(time.Now()) {
		timer := time.NewTimer(followPatience)
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-asking:
	case <-patience:
	case <-ctx.Done():
	}
	return f.newest(s).keptIn(s)
}

// consult returns the last answer about s's visitor, and what to wait for where
// WeChat is being asked for another.
func (f *follow) consult(ctx context.Context, s *session.Session, b belief) (followAnswer, <-chan struct{}) {
	now, last := time.Now(), f.newest(s)
	if last.believed(now, b) {
		return last, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.visitors[s.OpenID]
	switch {
	case !ok:
		f.sweep(now)
		v = new(followed)
		f.visitors[strings.Clone(s.OpenID)] = v // a part of the session, which is not to be kept
	case v.asking != nil:
		return last, v.asking
	}
	// While WeChat is away, those who have an answer leave it alone.
	if now.Sub(v.failedAt) < followPause || last.holds(now) && now.Sub(f.failedAt) < followPause {
		return last, nil
	}
	v.asking = make(chan struct{})
	go f.ask(context.WithoutCancel(ctx), s.OpenID, v, v.asking)
	return last, v.asking
}

// newest is the newest answer about the visitor: her session's, or one that her
// cookie does not have yet.
func (f *follow) newest(s *session.Session) followAnswer {
	last := followAnswer{s.Subscribed, s.FollowAskedAt}
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.visitors[s.OpenID]; ok && v.last.at.After(last.at) {
		return v.last
	}
	return last
}

// ask asks WeChat about the visitor v. It ends as the calls of Tokens do, by
// their timeout.
func (f *follow) ask(ctx context.Context, openID string, v *followed, done chan<- struct{}) {
	defer close(done)
	began := time.Now()
	user, err := f.tokens.User(ctx, openID)
	refusal, refused := errors.AsType[*wechat.Error](err)
	f.mu.Lock()
	defer f.mu.Unlock()
	v.asking = nil
	switch {
	case err == nil:
		v.last = followAnswer{user.Subscribed, began}
	case refused && refusal.Class() == wechat.Visitor:
		v.last = followAnswer{false, began} // WeChat does not know her
	default:
		v.failedAt = time.Now()
		f.failedAt = v.failedAt
		event := f.logger.Warn()
		if refused && refusal.Class() != wechat.Later {
			event = f.logger.Error().Str("mend", refusal.Mend())
		}
		event.Err(err).Msg("not known whether a visitor follows")
	}
}

// sweep forgets the visitors whose cookies have the answer by now, once there
// are twice as many as the last sweep left.
func (f *follow) sweep(now time.Time) {
	if len(f.visitors) < f.sweepAt {
		return
	}
	keep := max(f.recheck, followPause)
	for openID, v := range f.visitors {
		if v.asking == nil && now.Sub(v.last.at) >= keep && now.Sub(v.failedAt) >= followPause {
			delete(f.visitors, openID)
		}
	}
	f.sweepAt = max(minSweep, 2*len(f.visitors))
}

// believed reports whether the answer stands for itself.
func (a followAnswer) believed(now time.Time, b belief) bool {
	age := now.Sub(a.at)
	return a.subscribed && age < b.yes || !a.subscribed && !a.at.IsZero() && age < b.no
}

// holds reports whether the answer may be gone by where there is no newer one.
func (a followAnswer) holds(now time.Time) bool {
	return !a.at.IsZero() && now.Sub(a.at) < followGrace
}

// keptIn returns s with the answer in it.
func (a followAnswer) keptIn(s *session.Session) *session.Session {
	at := a.at.Truncate(time.Second) // as a session keeps it
	if a.subscribed == s.Subscribed && at.Equal(s.FollowAskedAt) || a.at.IsZero() {
		return s
	}
	told := *s
	told.Subscribed, told.FollowAskedAt = a.subscribed, at
	return &told
}

// followQR is the picture that the page of f shows, where it asks to follow.
func (g *guard) followQR(f *failure) string {
	if f.Word != wordNotFollowing {
		return ""
	}
	return g.follow.picture
}

// followStanding is how the visitor with session s stands by what it knows.
func followStanding(s *session.Session) standing {
	switch answer := (followAnswer{s.Subscribed, s.FollowAskedAt}); {
	case !answer.holds(time.Now()):
		return unasked
	case answer.subscribed:
		return admitted
	default:
		return notFollowing
	}
}
