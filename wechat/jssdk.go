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

// JSConfig is what a page passes to wx.config, together with its jsApiList, to
// use WeChat's JS-SDK. As JSON its fields have the names that wx.config expects.
type JSConfig struct {
	AppID     string `json:"appId"`
	Timestamp int64  `json:"timestamp"` // Unix seconds
	NonceStr  string `json:"nonceStr"`
	Signature string `json:"signature"`
}

// Config signs the page at pageURL: the whole address in the visitor's browser,
// with its query, byte for byte; a fragment is ignored. On an iPhone it has to be
// the address at which the page was opened, even if a router has changed it
// since. Errors are those of [TicketSource.Ticket].
//
// A signature allows a page at that address to use the account's JS-SDK: sign
// only addresses of your own site.
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

// Sign is the signature of a page for wx.config: the SHA-1, in hexadecimal
// digits, of ticket, nonce, timestamp in seconds and the page's address without
// its fragment, as in [WeChat's JS-SDK guide].
//
// [WeChat's JS-SDK guide]: https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html
func Sign(ticket Secret, nonce string, timestamp time.Time, url string) string {
	url, _, _ = strings.Cut(url, "#")
	sum := sha1.Sum([]byte("jsapi_ticket=" + ticket.Reveal() + "&noncestr=" + nonce +
		"&timestamp=" + strconv.FormatInt(timestamp.Unix(), 10) + "&url=" + url))
	return hex.EncodeToString(sum[:])
}
