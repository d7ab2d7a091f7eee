package gateway

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/sweep"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// testCommon returns what the sites of a gateway without metrics and log share.
func testCommon() *common { return &common{background: newBackground(zerolog.Nop())} }

// What follow keeps about visitors is removed once their cookies have it.
func TestFollowForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wx, err := wechattest.New(wechattest.Config{})
		if err != nil {
			t.Fatal(err)
		}
		account := &wechat.Client{AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, Transport: wx.Transport()}
		var errs fieldErrors
		f := newFollow(Site{RequireFollow: true, Account: account, Tokens: &wechat.TokenSource{Client: account}}, testCommon(), &errs)
		if errs.fields != nil {
			t.Fatal(errs.fields)
		}
		const visitors = 5000
		for i := range visitors { // one unknown visitor a second
			f.refresh(t.Context(), &session.Session{OpenID: strconv.Itoa(i)}, f.atLogin())
			time.Sleep(time.Second)
		}
		// The visitors of ten minutes, as many again until the next sweep, and the
		// size below which there is no sweep.
		if got, most := f.visitors.Len(), 2*600+sweep.Min; got > most {
			t.Errorf("%d visitors kept of %d, want %d at most", got, visitors, most)
		}
	})
}
