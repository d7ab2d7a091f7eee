package wechattest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

type followerPage struct {
	Total, Count int
	Data         *struct{ OpenID []string }
	Next         string `json:"next_openid"`
}

func (e *emulator) page(token, after string) followerPage {
	e.t.Helper()
	var p followerPage
	a := e.get("/cgi-bin/user/get", "access_token", token, "next_openid", after)
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.code() != 0 {
		e.t.Fatalf("user/get = %.200s (%v)", a.body, err)
	}
	return p
}

func TestFollowerPages(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 3, 9_999, 10_000, 10_001, 20_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			e := newEmulator(t, wechattest.Config{})
			e.SetFollowers(wechattest.StockAppID, n)
			token := e.stable(false).text("access_token")
			seen := map[string]bool{}
			after := ""
			for {
				p := e.page(token, after)
				if p.Total != n {
					t.Fatalf("total = %d, want %d", p.Total, n)
				}
				if p.Count == 0 {
					if p.Data != nil || p.Next != "" {
						t.Errorf("page after the end = %+v, want neither data nor next_openid", p)
					}
					break
				}
				if want := min(10_000, n-len(seen)); p.Count != want || len(p.Data.OpenID) != want {
					t.Fatalf("page has %d (%d), want %d", p.Count, len(p.Data.OpenID), want)
				}
				for _, id := range p.Data.OpenID {
					if len(id) != 28 || id[0] != 'o' || seen[id] {
						t.Fatalf("openid %q: want 28 characters, the first an o, once", id)
					}
					seen[id] = true
				}
				if last := p.Data.OpenID[p.Count-1]; p.Next != last {
					t.Errorf("next_openid = %q, want the page's last %q", p.Next, last)
				}
				after = p.Next
			}
			if len(seen) != n {
				t.Errorf("saw %d followers, want %d", len(seen), n)
			}
		})
	}
}

func TestMillionFollowers(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{})
	e.SetFollowers(wechattest.StockAppID, 1_000_000)
	token := e.stable(false).text("access_token")
	first := e.page(token, "")
	again := e.page(token, first.Data.OpenID[4_999])
	if !slices.Equal(first.Data.OpenID[5_000:], again.Data.OpenID[:5_000]) {
		t.Error("a list begun in the middle has another order")
	}
	if got, want := first.Data.OpenID[0], e.OpenID(wechattest.StockAppID, "lihua"); got != want {
		t.Errorf("first follower = %q, want the first visitor's %q", got, want)
	}
	e.SetFollowers(wechattest.StockAppID, 10)
	if a := e.get("/cgi-bin/user/get", "access_token", token, "next_openid", first.Data.OpenID[4_999]); a.code() != 40003 {
		t.Errorf("next_openid of who follows no more = %s, want 40003", a.body)
	}
}

func TestFollowerInfo(t *testing.T) {
	t.Parallel()
	subscription := wechattest.Account{AppID: "sub", Secret: "s", Kind: wechattest.KindSubscription, Verified: true}
	e := newEmulator(t, wechattest.Config{Accounts: []wechattest.Account{wechattest.StockAccount(), subscription}})
	e.SetFollowers(wechattest.StockAppID, 5)
	token := e.stable(false).text("access_token")
	info := func(openID string) answer {
		return e.get("/cgi-bin/user/info", "access_token", token, "openid", openID, "lang", "zh_CN")
	}
	id := func(visitor string) string { return e.OpenID(wechattest.StockAppID, visitor) }

	follower := info(id("lihua"))
	if follower.fields["subscribe"] != 1.0 || follower.fields["subscribe_time"] == 0.0 || follower.text("unionid") == "" {
		t.Errorf("follower = %s, want subscribe 1, a time and a unionid", follower.body)
	}
	// The profile is empty, and not absent.
	profile := fmt.Sprintf(`{"subscribe":1,"openid":%q,"nickname":"","sex":0,"language":"zh_CN",`+
		`"city":"","province":"","country":"","headimgurl":"","subscribe_time":`, id("lihua"))
	if !strings.HasPrefix(follower.body, profile) {
		t.Errorf("follower = %s, want it to begin with %s", follower.body, profile)
	}
	if got := info(id("alice")).text("language"); got != "en" {
		t.Errorf("language of alice = %q, want en", got)
	}
	want := fmt.Sprintf(`{"subscribe":0,"openid":%q,"unionid":%q,"tagid_list":[]}`, id("tom"), e.UnionID(wechattest.StockAppID, "tom"))
	if got := info(id("tom")); got.body != want {
		t.Errorf("not a follower = %s, want %s", got.body, want)
	}
	e.SetFollows(wechattest.StockAppID, "tom", true)
	if got := info(id("tom")); got.fields["subscribe"] != 1.0 {
		t.Errorf("after following = %s, want subscribe 1", got.body)
	}
	e.SetFollows(wechattest.StockAppID, "tom", false)
	if got := info(id("tom")); got.fields["subscribe"] != 0.0 {
		t.Errorf("after unfollowing = %s, want subscribe 0", got.body)
	}
	list := e.page(token, "").Data.OpenID
	if got := info(list[4]); got.fields["subscribe"] != 1.0 {
		t.Errorf("synthetic follower = %s, want subscribe 1", got.body)
	}
	for openID, want := range map[string]int{"": 41009, "oX": 40003, e.UnionID(wechattest.StockAppID, "lihua"): 40003, e.OpenID("sub", "lihua"): 40003} {
		if got := info(openID); got.code() != want {
			t.Errorf("info(%q) = %s, want %d", openID, got.body, want)
		}
	}

	batch := func(body string) answer {
		return e.do("POST", "/cgi-bin/user/info/batchget?access_token="+token, body, nil)
	}
	many := `{"user_list":[` + strings.TrimSuffix(strings.Repeat(fmt.Sprintf(`{"openid":%q},`, id("tom")), 101), ",") + `]}`
	for body, want := range map[string]int{"": 44002, "[": 47001, `{"user_list":[]}`: 40032, many: 40032, `{"user_list":[{"openid":"oX"}]}`: 40003} {
		if got := batch(body); got.code() != want {
			t.Errorf("batchget(%.40q) = %s, want %d", body, got.body, want)
		}
	}
	both := batch(fmt.Sprintf(`{"user_list":[{"openid":%q,"lang":"en"},{"openid":%q}]}`, id("tom"), id("lihua")))
	users, _ := both.fields["user_info_list"].([]any)
	if len(users) != 2 || users[0].(map[string]any)["openid"] != id("tom") || users[1].(map[string]any)["subscribe"] != 1.0 {
		t.Errorf("batchget = %s, want both in the order asked", both.body)
	}

	token = e.get("/cgi-bin/token", "appid", "sub", "secret", "s", "grant_type", "client_credential").text("access_token")
	if got := info(id("lihua")); got.code() != 48001 {
		t.Errorf("subscription account = %s, want 48001", got.body)
	}
}
