package wechattest

import (
	"cmp"
	"net/http"
	"net/url"
	"time"
)

const (
	confirmPath = "/connect/confirm"
	// consentLife is how long WeChat remembers a consent. The true duration is
	// not known.
	consentLife = time.Hour
)

// consent settles a login request: who signs in, and what they answer.
type consent struct {
	*transaction
	*loginRequest
}

// ask finds out who signs in and what they answer: by a header, by who has the
// phone, or by a page.
func (c consent) ask() response {
	id := c.r.Header.Get(VisitorHeader)
	if id == "" && c.chooseVisitor {
		if c.scope == scopeLogin {
			return c.scanPage()
		}
		return c.choosePage()
	}
	v := c.visitors.find(cmp.Or(id, c.phone))
	if v == nil {
		return c.errorPage(http.StatusBadRequest, 0, "没有人拿着手机", "There is no such visitor: nobody holds the phone")
	}
	if refused := c.checkVisitor(v); refused != nil {
		return *refused
	}
	answer := cmp.Or(Answer(c.r.Header.Get(AnswerHeader)), c.answer)
	switch answer {
	case AnswerDecline, AnswerDeclineRedirect, AnswerSnapshot:
		return c.reply(v, answer)
	}
	switch {
	case c.silent(v):
		return c.reply(v, c.unasked(v))
	case answer == AnswerAsk:
		return c.askPage(v)
	case c.offersSnapshot(v):
		return c.reply(v, AnswerSnapshot)
	default:
		return c.reply(v, AnswerAgree)
	}
}

// askPage is the page on which the visitor answers.
func (c consent) askPage(v *visitor) response {
	switch {
	case c.scope == scopeLogin:
		return c.scanPage()
	case c.offersSnapshot(v):
		return c.snapshotPage(v)
	default:
		return c.consentPage(v)
	}
}

// silent reports whether WeChat does not ask the visitor: for the openid only,
// for a follower who comes from the account's menu, and after a recent consent
// unless the site forces the popup. Scan login always asks.
func (c consent) silent(v *visitor) bool {
	if c.scope != scopeUserInfo {
		return c.scope == scopeBase
	}
	if _, follows := v.follows[c.account.AppID]; follows && v.FromMenu {
		return true
	}
	at, consented := v.consented[c.account.AppID]
	return consented && c.time.Sub(at) < consentLife && !c.popup
}

// unasked is the answer for a visitor whom WeChat does not ask. A scan login is
// never a snapshot.
func (c consent) unasked(v *visitor) Answer {
	if v.Snapshot && c.scope != scopeLogin {
		return AnswerSnapshot
	}
	return AnswerAgree
}

// offersSnapshot reports whether WeChat opens the site as a snapshot first.
func (c consent) offersSnapshot(v *visitor) bool {
	return c.unasked(v) == AnswerSnapshot || c.snapshot && c.scope == scopeUserInfo
}

// checkVisitor makes the checks that depend on the visitor.
func (c consent) checkVisitor(v *visitor) *response {
	_, follows := v.follows[c.account.AppID]
	// 8. The test account's followers.
	if c.switches.TestNeedsFollow && c.account.Kind == KindTest && !follows {
		return new(c.errorCode(10006, "需要先关注此测试号", "follow this test account first"))
	}
	// 9. Too often. A page and its button count once.
	limit := Limit{PerMinute: c.quotas.limits[authorizePath].PerMinute}
	key := quotaKey{"visitor " + v.ID, authorizePath}
	if c.path != confirmPath && c.quotas.count(key, limit, c.time) != nil {
		return new(c.errorCode(10009, "操作太频繁，请稍后再试", "too frequent, try again later"))
	}
	// 10. Banned.
	if v.Banned {
		return new(c.errorPage(http.StatusForbidden, 0, "账号存在异常，无法登录",
			"This WeChat account is restricted and cannot sign in"))
	}
	return nil
}

// confirm answers the button that was pressed on a page.
func confirm(x *transaction) response {
	form, err := url.ParseQuery(string(x.body))
	login, known := x.pending.get(form.Get("id"))
	if err != nil || !known {
		return x.errorPage(http.StatusBadRequest, 0, "页面已过期，请重新登录", "This page is too old: begin the login again")
	}
	v := x.visitors.find(cmp.Or(form.Get("visitor"), x.phone))
	if v == nil {
		return x.errorPage(http.StatusBadRequest, 0, "没有这位访客", "There is no such visitor")
	}
	c := consent{x, login}
	if refused := c.checkVisitor(v); refused != nil {
		return *refused
	}
	switch action := form.Get("action"); action {
	case "full": // "use the full service", on a snapshot page
		return c.consentPage(v)
	case "", "scan":
		return c.reply(v, c.unasked(v))
	case "cancel":
		return c.reply(v, AnswerDecline)
	default:
		return c.reply(v, Answer(action))
	}
}
