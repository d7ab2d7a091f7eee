package wechat_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestConfig(t *testing.T) {
	inBubble(t, func(t *testing.T, e *wechattest.Emulator, s *wechat.TicketSource) {
		time.Sleep(1500 * time.Millisecond)
		const page = "http://localhost:8080/shop?b=%2F+1&a=中"
		config, err := s.Config(t.Context(), page+"#/cart")
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Config(t.Context(), page)
		if err != nil || again.NonceStr == config.NonceStr || again.Signature == config.Signature {
			t.Errorf("a second Config = %+v, %v; want another nonce and signature", again, err)
		}
		wantCalls(t, e, ticketPath, 1)
		for _, c := range []wechat.JSConfig{config, again} {
			checked := wechattest.JSConfig{
				AppID: c.AppID, Timestamp: fmt.Sprint(c.Timestamp), NonceStr: c.NonceStr, Signature: c.Signature, URL: page + "#/other",
			}
			if got := e.CheckConfig(checked); got != "config:ok" {
				t.Errorf("wx.config says %s, want config:ok", got)
			}
			checked.URL = page + "&from=singlemessage"
			if got := e.CheckConfig(checked); got != "config:invalid signature" {
				t.Errorf("wx.config at another page says %s, want config:invalid signature", got)
			}
		}
		got, err := json.Marshal(config)
		want := fmt.Sprintf(`{"appId":%q,"timestamp":%d,"nonceStr":%q,"signature":%q}`,
			wechattest.StockAppID, time.Now().Unix(), config.NonceStr, config.Signature)
		if string(got) != want || err != nil {
			t.Errorf("as JSON %s (%v), want %s", got, err, want)
		}
		e.Fault(wechattest.Fault{Path: ticketPath, Mode: wechattest.FaultErrcode, Code: 45009, Times: -1})
		time.Sleep(2 * time.Hour)
		if config, err := s.Config(t.Context(), page); outcome(config != wechat.JSConfig{}, err) != "45009" {
			t.Errorf("Config without a ticket = %+v, %v; want 45009", config, err)
		}
	})
}

// The published example of WeChat's JS-SDK guide.
func ExampleSign() {
	const ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg"
	fmt.Println(wechat.Sign(ticket, "Wm3WZYTPz0wzccnW", time.Unix(1414587457, 0), "http://mp.weixin.qq.com?params=value"))
	// Output:
	// 0f9de62fce790f9a083d5c99e95740ceb90c27ed
}

func TestSignDropsTheFragmentAlone(t *testing.T) {
	t.Parallel()
	sign := func(url string) string { return wechat.Sign("TI", "n", time.Unix(1, 0), url) }
	base := sign("https://a.cn/?b=%2F+c&a=1")
	for url, same := range map[string]bool{
		"https://a.cn/?b=%2F+c&a=1#":        true,
		"https://a.cn/?b=%2F+c&a=1#/x?y=#z": true,
		"https://a.cn/?a=1&b=%2F+c":         false,
		"https://a.cn/?b=%2f+c&a=1":         false,
		"https://a.cn?b=%2F+c&a=1":          false,
	} {
		if got := sign(url); (got == base) != same {
			t.Errorf("Sign of %s is that of the base: %t, want %t", url, got == base, same)
		}
	}
}
