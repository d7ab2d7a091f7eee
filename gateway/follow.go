package gateway

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/internal/sweep"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

const (
	// followGrace is how long an answer is used that WeChat cannot renew.
	followGrace = 24 * time.Hour

	// followPause is how soon WeChat is asked about the same visitor again: after
	// the button of the page that asks to follow, or after a failure.
	followPause = 3 * time.Second

	// followTimeout is how long a request waits for WeChat if there is an older
	// answer to go on with.
	followTimeout = time.Second
)

// follow knows which visitors follow the account. Sessions keep what WeChat
// said; follow holds only what a visitor's cookie may not have yet. It is safe
// for concurrent use.
type follow struct {
	tokens  *wechat.TokenSource
	recheck time.Duration
	logger  zerolog.Logger
	beside  *background // where WeChat is asked

	mu       sync.Mutex
	visitors *sweep.Map[string, *followed] // by openid
	failedAt time.Time                     // when WeChat last gave no answer about any visitor
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

// maxAge is how old an answer may be before WeChat is asked again: an answer that
// the visitor follows, and one that they do not.
type maxAge struct{ yes, no time.Duration }

// newFollow returns nil if nobody has to follow.
func newFollow(c Site, shared *common, errs *fieldErrors) *follow {
	errs.positive("FollowRecheck", c.FollowRecheck)
	if c.FollowQRURL != "" {
		errs.add("FollowQRURL", CheckPictureURL(c.FollowQRURL))
	}
	if !c.RequireFollow {
		return nil
	}
	if c.Tokens == nil {
		errs.add("RequireFollow", errors.New("requires Tokens"))
	}
	f := &follow{
		tokens:  c.Tokens,
		recheck: cmp.Or(c.FollowRecheck, 10*time.Minute),
		logger:  shared.logger,
		beside:  shared.background,
	}
	keep := max(f.recheck, followPause)
	f.visitors = sweep.New[string](func(v *followed, now time.Time) bool {
		return v.asking == nil && now.Sub(v.last.at) >= keep && now.Sub(v.failedAt) >= followPause
	})
	return f
}

// checkTokens returns an error unless tokens are those of the account.
func checkTokens(tokens *wechat.TokenSource, account *wechat.Client) error {
	switch {
	case tokens == nil || tokens.Client == nil:
		return errors.New("expected Tokens with a Client")
	case account != nil && tokens.Client.AppID != account.AppID:
		return errors.New("the Tokens are those of another account")
	}
	return nil
}

// atLogin is the age for a login.
func (f *follow) atLogin() maxAge { return maxAge{followPause, followPause} }

// maxAge is the age for a page load or another request. A page load asks again
// soon after a no: the visitor may have pressed the button of the page.
func (f *follow) maxAge(page bool) maxAge {
	if page {
		return maxAge{f.recheck, followPause}
	}
	return maxAge{f.recheck, f.recheck}
}

// refresh returns s with the newest answer about its visitor. It asks WeChat if
// the last answer is too old. It returns s itself if that has the newest answer,
// or if WeChat gives none.
//
// WeChat is asked one question about a visitor at a time, which outlives the
// request that asks. If WeChat is slow or does not answer, a request goes on with
// the last answer.
func (f *follow) refresh(ctx context.Context, s *session.Session, age maxAge) *session.Session {
	last, asking := f.lookup(ctx, s, age)
	if asking == nil {
		return last.apply(s)
	}
	var timeout <-chan time.Time
	if last.usable(time.Now()) {
		timer := time.NewTimer(followTimeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-asking:
	case <-timeout:
	case <-ctx.Done():
	}
	return f.newest(s).apply(s)
}

// lookup returns the last answer about the visitor of s, and what to wait for if
// WeChat is being asked for a newer one.
func (f *follow) lookup(ctx context.Context, s *session.Session, age maxAge) (followAnswer, <-chan struct{}) {
	now, last := time.Now(), f.newest(s)
	if last.fresh(now, age) {
		return last, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.visitors.Get(s.OpenID)
	switch {
	case !ok:
		v = new(followed)
		// A clone: the openid is a part of the session, which is not to be kept.
		f.visitors.Put(strings.Clone(s.OpenID), v, now)
	case v.asking != nil:
		return last, v.asking
	}
	// While WeChat does not answer, those who have an answer do not ask.
	if now.Sub(v.failedAt) < followPause || last.usable(now) && now.Sub(f.failedAt) < followPause {
		return last, nil
	}
	asking := make(chan struct{})
	if !f.beside.start(ctx, func(ctx context.Context) { f.ask(ctx, s.OpenID, v, asking) }) {
		return last, nil // the gateway is about to end
	}
	v.asking = asking
	return last, asking
}

// newest is the newest answer about the visitor of s: the session's, or one that
// its cookie does not have yet.
func (f *follow) newest(s *session.Session) followAnswer {
	last := answerIn(s)
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.visitors.Get(s.OpenID); ok && v.last.at.After(last.at) {
		return v.last
	}
	return last
}

// ask asks WeChat about the visitor v, and closes done. It ends by the timeout of
// the calls of tokens, or when the gateway ends.
func (f *follow) ask(ctx context.Context, openID string, v *followed, done chan<- struct{}) {
	var answer followAnswer // the zero value: none
	defer func() {          // after a panic too, so that WeChat is asked again
		f.answered(v, answer)
		close(done)
	}()
	began := time.Now()
	user, err := f.tokens.User(ctx, openID)
	refused, ok := errors.AsType[*wechat.Error](err)
	switch {
	case err == nil:
		answer = followAnswer{user.Subscribed, began}
	case ok && refused.Class() == wechat.Visitor:
		answer = followAnswer{false, began} // WeChat does not know the openid
	case ctx.Err() == nil:
		event := f.logger.Warn()
		if ok && refused.Class() != wechat.Later {
			event = f.logger.Error().Str("hint", refused.Hint())
		} else if hint := refusal.AwayHint(err); hint != "" {
			event = event.Str("hint", hint)
		}
		event.Err(err).Msg("follow check failed")
	}
}

// answered notes what WeChat said about the visitor v.
func (f *follow) answered(v *followed, answer followAnswer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v.asking = nil
	if answer.at.IsZero() {
		v.failedAt = time.Now()
		f.failedAt = v.failedAt
		return
	}
	v.last = answer
}

// answerIn is the answer that a session keeps.
func answerIn(s *session.Session) followAnswer {
	return followAnswer{s.Subscribed, s.FollowAskedAt}
}

// fresh reports whether the answer is newer than age.
func (a followAnswer) fresh(now time.Time, age maxAge) bool {
	since := now.Sub(a.at)
	return a.subscribed && since < age.yes || !a.subscribed && !a.at.IsZero() && since < age.no
}

// usable reports whether the answer may be used if there is no newer one.
func (a followAnswer) usable(now time.Time) bool {
	return !a.at.IsZero() && now.Sub(a.at) < followGrace
}

// apply returns s with the answer in it, s itself if that has it.
func (a followAnswer) apply(s *session.Session) *session.Session {
	at := a.at.Truncate(time.Second) // as a session keeps it
	if a.subscribed == s.Subscribed && at.Equal(s.FollowAskedAt) || a.at.IsZero() {
		return s
	}
	updated := *s
	updated.Subscribed, updated.FollowAskedAt = a.subscribed, at
	return &updated
}
