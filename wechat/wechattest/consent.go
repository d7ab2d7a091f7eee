package wechattest

import (
	"cmp"
	"net/http"
	"net/url"
	"time"
)

const (
	confirmPath = "/connect/confirm"
	// consentLife is how long WeChat remembers a consent; the true length is not known.
	consentLife = time.Hour
)

// ask finds out who signs in and what they say: by a header, by who holds the
// phone, or by a page.
func (c *call) ask(p *pending) response {
	id := c.r.Header.Get(VisitorHeader)
	if id == "" && c.chooseVisitor {
		if p.scope == scopeLogin {
			return c.scanPage(p)
		}
		return c.choosePage(p)
	}
	v := c.visitor(cmp.Or(id, c.phone))
	if v == nil {
		return c.errorPage(http.StatusOK, 0, "没有人拿着手机", "There is no such visitor: nobody holds the phone")
	}
	if refused := c.checkVisitor(p, v); refused != nil {
		return *refused
	}
	answer := cmp.Or(Answer(c.r.Header.Get(AnswerHeader)), c.answer)
	switch answer {
	case AnswerDecline, AnswerDeclineRedirect, AnswerSnapshot:
		return c.reply(p, v, answer)
	case AnswerAsk:
	default:
		answer = AnswerAgree
	}
	silent := c.silent(p, v)
	snapshot := p.opens(v) == AnswerSnapshot || p.snapshot && p.scope == scopeUserInfo
	switch {
	case silent:
		return c.reply(p, v, p.opens(v))
	case answer == AnswerAsk && p.scope == scopeLogin:
		return c.scanPage(p)
	case answer == AnswerAsk && snapshot:
		return c.snapshotPage(p, v)
	case answer == AnswerAsk:
		return c.consentPage(p, v)
	case snapshot:
		return c.reply(p, v, AnswerSnapshot)
	default:
		return c.reply(p, v, AnswerAgree)
	}
}

// opens is how WeChat opens the site for a visitor who is not asked: as itself
// or as a snapshot. A site's scan login is never a snapshot.
func (p *pending) opens(v *visitor) Answer {
	if v.Snapshot && p.scope != scopeLogin {
		return AnswerSnapshot
	}
	return AnswerAgree
}

// silent tells whether WeChat asks nothing: for the openid alone; for a
// follower who comes from the account's menu; after a recent consent, unless
// the site forces the popup. Scan login always asks.
func (c *call) silent(p *pending, v *visitor) bool {
	if p.scope != scopeUserInfo {
		return p.scope == scopeBase
	}
	if _, follows := v.follows[p.account.AppID]; follows && v.FromMenu {
		return true
	}
	at, consented := v.consented[p.account.AppID]
	return consented && c.time.Sub(at) < consentLife && !p.popup
}

// checkVisitor makes the checks that depend on the visitor.
func (c *call) checkVisitor(p *pending, v *visitor) *response {
	_, follows := v.follows[p.account.AppID]
	// 8. The test account's followers.
	if c.switches.TestNeedsFollow && p.account.Kind == KindTest && !follows {
		return new(c.errorCode(10006, "需要先关注此测试号", "follow this test account first"))
	}
	// 9. Too often. The page and its button count once.
	limit := Limit{PerMinute: c.quotas.limits[authorizePath].PerMinute}
	if c.path != confirmPath && c.quotas.count(quotaKey{"visitor " + v.ID, authorizePath}, limit, c.time) != nil {
		return new(c.errorCode(10009, "操作太频繁，请稍后再试", "too frequent, try again later"))
	}
	// 10. Banned.
	if v.Banned {
		return new(c.errorPage(http.StatusOK, 0, "账号存在异常，无法登录", "This WeChat account is restricted and cannot sign in"))
	}
	return nil
}

// confirm takes the button that was pressed on a page.
func (c *call) confirm() response {
	form, err := url.ParseQuery(string(c.body))
	p, known := c.pending.get(form.Get("id"))
	if err != nil || !known {
		return c.errorPage(http.StatusBadRequest, 0, "页面已过期，请重新登录", "This page is too old: begin the login again")
	}
	v := c.visitor(cmp.Or(form.Get("visitor"), c.phone))
	if v == nil {
		return c.errorPage(http.StatusBadRequest, 0, "没有这位访客", "There is no such visitor")
	}
	if refused := c.checkVisitor(p, v); refused != nil {
		return *refused
	}
	switch action := form.Get("action"); action {
	case "full": // "use the full service", on a snapshot page
		return c.consentPage(p, v)
	case "", "scan":
		return c.reply(p, v, p.opens(v))
	case "cancel":
		return c.reply(p, v, AnswerDecline)
	default:
		return c.reply(p, v, Answer(action))
	}
}

// reply does what the visitor said.
func (c *call) reply(p *pending, v *visitor, a Answer) response {
	switch a {
	case AnswerAgree:
		if p.scope == scopeUserInfo {
			v.consented[p.account.AppID] = c.time
		}
		return c.grantRedirect(p, c.newCode(p, v, false))
	case AnswerSnapshot:
		return c.grantRedirect(p, c.newCode(p, v, true))
	case AnswerDeclineRedirect:
		return redirect(c.callbackAddress(p, ""))
	default:
		return c.declinedPage()
	}
}
