package wechattest

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const ticketLife = 2 * time.Hour

// ticket is a jsapi_ticket, which signs pages for wx.config, or one for cards.
type ticket struct {
	text string
	ends time.Time
}

// jsTicket is cgi-bin/ticket/getticket: the same ticket until it ends.
func jsTicket(x *transaction) (any, *refusal) {
	a, refused := x.tokenAccount()
	if refused != nil {
		return nil, refused
	}
	if refused := x.countCall(a); refused != nil {
		return nil, refused
	}
	kind := x.query.Get("type")
	if kind != "jsapi" && kind != "wx_card" {
		return nil, refuse(40097)
	}
	t := a.tickets[kind]
	if !x.time.Before(t.ends) {
		t = ticket{x.random.text(tokenAlphabet, 86), x.time.Add(ticketLife)}
		a.tickets[kind] = t
	}
	return struct {
		errcodeBody
		Ticket    string `json:"ticket"`
		ExpiresIn int    `json:"expires_in"`
	}{okBody, t.text, int(t.ends.Sub(x.time).Seconds())}, nil
}

// JSConfig is what a page passes to wx.config, and the page's address.
type JSConfig struct {
	AppID     string `json:"appId"`
	Timestamp string `json:"timestamp"`
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
	// URL is the address that the page has now. A fragment is ignored.
	URL string `json:"url"`
	// Landing, if set, makes the check that of an iPhone: there the address at
	// which the page was opened counts, even if a router has changed it since.
	Landing string `json:"landing,omitempty"`
}

// CheckConfig returns what the in-app browser says to wx.config: "config:ok",
// "config:invalid url domain" or "config:invalid signature" [WeChat's JS-SDK
// guide], and "config:invalid appid" for an unknown account.
func (e *Emulator) CheckConfig(config JSConfig) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.accounts.find(config.AppID)
	if a == nil {
		return "config:invalid appid"
	}
	// Not by net/url: parsing and printing might change a byte that was signed.
	page, _, _ := strings.Cut(cmp.Or(config.Landing, config.URL), "#")
	u, err := url.Parse(page)
	if err != nil || !covers(a.JSDomains, u) {
		return "config:invalid url domain"
	}
	t := a.tickets["jsapi"]
	if !e.clock.now().Before(t.ends) {
		return "config:invalid signature"
	}
	sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%s&url=%s",
		t.text, config.NonceStr, config.Timestamp, page))
	if hex.EncodeToString(sum[:]) != config.Signature {
		return "config:invalid signature"
	}
	return "config:ok"
}
