package wechat

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// JSConfig is what a page gives to wx.config, together with its jsApiList, to
// use WeChat's JS-SDK. As JSON its fields have the names that wx.config wants.
type JSConfig struct {
	AppID     string `json:"appId"`
	Timestamp int64  `json:"timestamp"` // Unix seconds
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
}

// Config signs the page at pageURL, the whole address that the visitor's browser
// has, query included, byte for byte; its fragment does not count. On an iPhone
// that is the address at which the page was opened, whatever a router has made
// of it since. An error is one of [TicketSource.Ticket].
//
// Whoever gets a signature can use the account's JS-SDK at that address: sign
// none that is not your own site's.
func (s *TicketSource) Config(ctx context.Context, pageURL string) (JSConfig, error) {
	ticket, err := s.Ticket(ctx)
	if err != nil {
		return JSConfig{}, err
	}
	now, nonce := time.Now(), rand.Text()
	return JSConfig{
		AppID:     s.Tokens.Client.AppID,
		Timestamp: now.Unix(),
		NonceStr:  nonce,
		Signature: Sign(ticket, nonce, now, pageURL),
	}, nil
}

// Sign is the signature of a page for wx.config: a SHA-1 in hexadecimal digits
// over ticket, nonce, timestamp in seconds and the page's address up to its
// fragment, as in [WeChat's JS-SDK guide].
//
// [WeChat's JS-SDK guide]: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html
func Sign(ticket Secret, nonce string, timestamp time.Time, url string) string {
	url, _, _ = strings.Cut(url, "#")
	sum := sha1.Sum([]byte("jsapi_ticket=" + ticket.Reveal() + "&noncestr=" + nonce +
		"&timestamp=" + strconv.FormatInt(timestamp.Unix(), 10) + "&url=" + url))
	return hex.EncodeToString(sum[:])
}
