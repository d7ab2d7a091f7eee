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

// ticket is what a page's wx.config is signed with.
type ticket struct {
	text string
	ends time.Time
}

// ticket gives the same ticket until it ends.
func (c *call) ticket() (any, *refusal) {
	a, refused := c.tokenAccount()
	if refused != nil {
		return nil, refused
	}
	if refused := c.countCall(a); refused != nil {
		return nil, refused
	}
	kind := c.query.Get("type")
	if kind != "jsapi" && kind != "wx_card" {
		return nil, refuse(40097)
	}
	t := a.tickets[kind]
	if !c.time.Before(t.ends) {
		t = ticket{c.word(tokenAlphabet, 86), c.time.Add(ticketLife)}
		a.tickets[kind] = t
	}
	return struct {
		success
		Ticket    string `json:"ticket"`
		ExpiresIn int    `json:"expires_in"`
	}{allWell, t.text, int(t.ends.Sub(c.time).Seconds())}, nil
}

// JSConfig is what a page gives to wx.config, and where it stands.
type JSConfig struct {
	AppID     string `json:"appId"`
	Timestamp string `json:"timestamp"`
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
	// URL is the address that the page has now. A fragment does not count.
	URL string `json:"url"`
	// Landing, when given, plays an iPhone: there the address at which the web
	// view was opened counts, whatever a router has made of it since.
	Landing string `json:"landing,omitempty"`
}

// CheckConfig answers as the in-app browser answers wx.config: "config:ok",
// "config:invalid url domain" or "config:invalid signature" [WeChat's JS-SDK
// guide]; for an account that does not exist "config:invalid appid".
func (e *Emulator) CheckConfig(config JSConfig) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.account(config.AppID)
	if a == nil {
		return "config:invalid appid"
	}
	// Cut by hand: parsing and printing could change a byte that was signed.
	page, _, _ := strings.Cut(cmp.Or(config.Landing, config.URL), "#")
	u, err := url.Parse(page)
	if err != nil || !covers(a.JSDomains, u) {
		return "config:invalid url domain"
	}
	t := a.tickets["jsapi"]
	if !e.now().Before(t.ends) {
		return "config:invalid signature"
	}
	sum := sha1.Sum(fmt.Appendf(nil, "jsapi_ticket=%s&noncestr=%s&timestamp=%s&url=%s",
		t.text, config.NonceStr, config.Timestamp, page))
	if hex.EncodeToString(sum[:]) != config.Signature {
		return "config:invalid signature"
	}
	return "config:ok"
}

// callbackAddresses and apiAddresses are addresses kept for documentation
// (RFC 5737, RFC 3849): nobody should let them through a firewall.
func (c *call) callbackAddresses() (any, *refusal) {
	return c.addresses("192.0.2.0/24", "198.51.100.17")
}
func (c *call) apiAddresses() (any, *refusal) { return c.addresses("203.0.113.8", "2001:db8::8") }

func (c *call) addresses(list ...string) (any, *refusal) {
	if _, refused := c.tokenAccount(); refused != nil {
		return nil, refused
	}
	return struct {
		List []string `json:"ip_list"`
	}{list}, nil
}
