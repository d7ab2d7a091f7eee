package wechat_test

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestUserInfo(t *testing.T) {
	t.Parallel()
	profile := func(extra string) string { return `{"openid":"oVisitor",` + extra + `"sex":0}` }
	picture := "https://thirdwx.qlogo.cn/mmopen/" + strings.Repeat("a", 1024-32)
	tests := []struct {
		name, body string
		want       *wechat.UserInfo // nil: an error without an errcode
	}{
		{
			"everything", profile(`"nickname":"小明🍊","headimgurl":"https:\/\/thirdwx.qlogo.cn\/mmopen\/x\/132","privilege":["PRIVILEGE1","PRIVILEGE2"],"unionid":"uVisitor","city":"",`),
			&wechat.UserInfo{OpenID: "oVisitor", UnionID: "uVisitor", Nickname: "小明🍊", Avatar: "https://thirdwx.qlogo.cn/mmopen/x/132", Privilege: []string{"PRIVILEGE1", "PRIVILEGE2"}},
		},
		{"least", profile(""), &wechat.UserInfo{OpenID: "oVisitor"}},
		{"control characters in the nickname", profile(`"nickname":"a\u0000\r\nb\u007f\u0085c",`), &wechat.UserInfo{OpenID: "oVisitor", Nickname: "abc"}},
		{"bare control characters", profile("\"nickname\":\"a\x01\n\tb\","), &wechat.UserInfo{OpenID: "oVisitor", Nickname: "a   b"}},
		{"not UTF-8", profile("\"nickname\":\"a\xff\xfeb\","), &wechat.UserInfo{OpenID: "oVisitor", Nickname: "a\ufffd\ufffdb"}},
		{"half an emoji", profile(`"nickname":"a\ud83d",`), &wechat.UserInfo{OpenID: "oVisitor", Nickname: "a\ufffd"}},
		{"nickname of 256 bytes", profile(`"nickname":"` + strings.Repeat("🍊", 64) + `",`), &wechat.UserInfo{OpenID: "oVisitor", Nickname: strings.Repeat("🍊", 64)}},
		{"longer nickname", profile(`"nickname":"a` + strings.Repeat("🍊", 64) + `",`), &wechat.UserInfo{OpenID: "oVisitor", Nickname: "a" + strings.Repeat("🍊", 63)}},
		{"script for a picture", profile(`"headimgurl":"javascript:alert(1)",`), &wechat.UserInfo{OpenID: "oVisitor"}},
		{"picture without a host", profile(`"headimgurl":"https:///x",`), &wechat.UserInfo{OpenID: "oVisitor"}},
		{"picture of no scheme", profile(`"headimgurl":"//thirdwx.qlogo.cn/x",`), &wechat.UserInfo{OpenID: "oVisitor"}},
		{"picture with a line break", profile(`"headimgurl":"https://a.cn/\r\nX: y",`), &wechat.UserInfo{OpenID: "oVisitor"}},
		{"picture with Chinese", profile(`"headimgurl":"https://a.cn/中",`), &wechat.UserInfo{OpenID: "oVisitor"}},
		{"picture of 1024 bytes", profile(`"headimgurl":"` + picture + `",`), &wechat.UserInfo{OpenID: "oVisitor", Avatar: picture}},
		{"longer picture", profile(`"headimgurl":"` + picture + `a",`), &wechat.UserInfo{OpenID: "oVisitor"}},
		{"plain http", profile(`"headimgurl":"http://wx.qlogo.cn/x",`), &wechat.UserInfo{OpenID: "oVisitor", Avatar: "http://wx.qlogo.cn/x"}},

		{"somebody else", `{"openid":"oOther","nickname":"b"}`, nil},
		{"nobody", `{"nickname":"b"}`, nil},
		{"unionid with a space", profile(`"unionid":"a b",`), nil},
		{"nickname a number", profile(`"nickname":7,`), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{Transport: answering(200, test.body)}
			got, err := c.UserInfo(t.Context(), "AT", "oVisitor", "")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("UserInfo differs (-want +got), error %v:\n%s", err, diff)
			}
			if test.want == nil && outcome(false, err) != "away" {
				t.Errorf("UserInfo = %v, want an error without an errcode", err)
			}
		})
	}
}

func TestUserInfoOfNobody(t *testing.T) {
	t.Parallel()
	c := &wechat.Client{Transport: answering(200, `{"openid":"","nickname":"b"}`)}
	if got, err := c.UserInfo(t.Context(), "AT", "", ""); err == nil {
		t.Errorf("UserInfo without an openid = %+v, want an error", got)
	}
}

func FuzzUserInfo(f *testing.F) {
	f.Add([]byte(`{"openid":"oVisitor","nickname":"小明🍊","headimgurl":"https:\/\/a.cn\/x","privilege":[]}`))
	f.Add([]byte("{\"openid\":\"oVisitor\",\"nickname\":\"\x01\xff\\ud83d\",\"headimgurl\":\"HTTP://a\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &wechat.Client{Transport: answering(200, string(body))}
		u, err := c.UserInfo(t.Context(), "PLANTED-TOKEN", "oVisitor", "")
		if err != nil {
			checkErrorText(t, err, "PLANTED-TOKEN", "oVisitor")
			return
		}
		if u.OpenID != "oVisitor" {
			t.Errorf("profile of %q", u.OpenID)
		}
		if !utf8.ValidString(u.Nickname) || len(u.Nickname) > 256 || strings.ContainsFunc(u.Nickname, unicode.IsControl) {
			t.Errorf("Nickname = %q", u.Nickname)
		}
		if a, err := url.Parse(u.Avatar); u.Avatar != "" && (err != nil || a.Host == "" || a.Scheme != "http" && a.Scheme != "https") || len(u.Avatar) > 1024 {
			t.Errorf("Avatar = %q", u.Avatar)
		}
	})
}

func TestUser(t *testing.T) {
	t.Parallel()
	e, s := newWeChat(t, false)
	openID := func(visitor string) string { return e.OpenID(wechattest.StockAppID, visitor) }
	unionID := func(visitor string) string { return e.UnionID(wechattest.StockAppID, visitor) }
	for visitor, follows := range map[string]bool{"lihua": true, "xiaomei": true, "tom": false} {
		got, err := s.User(t.Context(), openID(visitor))
		if err != nil {
			t.Fatal(err)
		}
		if got.OpenID != openID(visitor) || got.UnionID != unionID(visitor) || got.Subscribed != follows || got.SubscribeTime.IsZero() == follows {
			t.Errorf("User of %s = %+v, want follows %t", visitor, got, follows)
		}
	}
	for _, unknown := range []string{"oNobody", unionID("lihua")} {
		if _, err := s.User(t.Context(), unknown); outcome(false, err) != "40003" || strings.Contains(err.Error(), unknown) {
			t.Errorf("User of somebody unknown = %v, want 40003", err)
		}
	}
	if _, err := s.User(t.Context(), ""); outcome(false, err) != "41009" {
		t.Errorf("User of nobody = %v, want 41009", err)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	e, s := newWeChat(t, false)
	openID := func(visitor string) string { return e.OpenID(wechattest.StockAppID, visitor) }
	asked := []string{openID("tom"), openID("alice"), openID("tom")}
	users, err := s.Users(t.Context(), asked)
	if err != nil || len(users) != 3 || users[0].OpenID != asked[0] || users[1].OpenID != asked[1] || users[0].Subscribed || !users[1].Subscribed {
		t.Errorf("Users = %+v, %v", users, err)
	}
	if users, err := s.Users(t.Context(), nil); len(users) != 0 || err != nil {
		t.Errorf("Users of nobody = %v, %v", users, err)
	}
	if _, err := s.Users(t.Context(), make([]string, 101)); err == nil {
		t.Error("Users of 101 succeeded")
	}
	wantCalls(t, e, "/cgi-bin/user/info/batchget", 1)
	if _, err := s.Users(t.Context(), []string{asked[0], "oNobody"}); outcome(false, err) != "40003" {
		t.Errorf("Users with somebody unknown = %v, want 40003", err)
	}
	e.SetFollowers(wechattest.StockAppID, 100)
	var all []string
	for id := range s.Followers(t.Context(), "") {
		all = append(all, id)
	}
	if users, err := s.Users(t.Context(), all); len(users) != 100 || err != nil {
		t.Errorf("Users of 100 = %d users, %v", len(users), err)
	}
}

func TestUserAnswers(t *testing.T) {
	t.Parallel()
	user := func(extra string) string { return `{"openid":"oVisitor",` + extra + `"groupid":0}` }
	tests := []struct {
		name, body string
		want       *wechat.User // nil: an error without an errcode
	}{
		{
			"everything", user(`"subscribe":1,"unionid":"uVisitor","language":"zh_CN","subscribe_time":4102444800,"remark":"小明","tagid_list":[128,2],"subscribe_scene":"ADD_SCENE_QR_CODE","qr_scene":4294967295,"qr_scene_str":"poster",`),
			&wechat.User{
				OpenID: "oVisitor", UnionID: "uVisitor", Subscribed: true, SubscribeTime: time.Unix(4102444800, 0), Language: "zh_CN",
				Remark: "小明", TagIDs: []int{128, 2}, SubscribeScene: "ADD_SCENE_QR_CODE", QRScene: 4294967295, QRSceneStr: "poster",
			},
		},
		{"numbers in quotes", user(`"subscribe":"1","subscribe_time":"1400000000","tagid_list":["2"],`), &wechat.User{OpenID: "oVisitor", Subscribed: true, SubscribeTime: time.Unix(1400000000, 0), TagIDs: []int{2}}},
		{"least", `{"openid":"oVisitor","subscribe":1}`, &wechat.User{OpenID: "oVisitor", Subscribed: true}},
		{"stranger", `{"subscribe":0,"openid":"oVisitor","tagid_list":[]}`, &wechat.User{OpenID: "oVisitor"}},
		{"control characters", user(`"subscribe":1,"remark":"a\r\n\u0085b","qr_scene_str":"` + strings.Repeat("中", 100) + `",`), &wechat.User{OpenID: "oVisitor", Subscribed: true, Remark: "ab", QRSceneStr: strings.Repeat("中", 85)}},
		{"nulls", user(`"subscribe":1,"remark":null,"tagid_list":null,"subscribe_time":null,`), &wechat.User{OpenID: "oVisitor", Subscribed: true}},

		{"no subscribe", user(""), nil},
		{"subscribe null", user(`"subscribe":null,`), nil},
		{"subscribe a word", user(`"subscribe":"yes",`), nil},
		{"somebody else", `{"openid":"oOther","subscribe":1}`, nil},
		{"nobody", `{"subscribe":1}`, nil},
		{"unionid with a space", user(`"subscribe":1,"unionid":"a b",`), nil},
		{"empty object", `{}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{}
			s := withToken(c)
			c.Transport = answering(200, test.body)
			got, err := s.User(t.Context(), "oVisitor")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("User differs (-want +got), error %v:\n%s", err, diff)
			}
			if test.want == nil && (outcome(false, err) != "away" || strings.Contains(err.Error(), "oVisitor")) {
				t.Errorf("User = %v, want an error without an errcode and shows nobody", err)
			}
			c.Transport = answering(200, `{"user_info_list":[`+test.body+`]}`)
			users, err := s.Users(t.Context(), []string{"oBefore", "oVisitor"})
			if test.want == nil {
				if outcome(false, err) != "away" || users != nil {
					t.Errorf("Users = %v, %v; want an error without an errcode", users, err)
				}
			} else if diff := cmp.Diff([]wechat.User{*test.want}, users); diff != "" || err != nil {
				t.Errorf("Users differs (-want +got), error %v:\n%s", err, diff)
			}
		})
	}
}

func TestUsersWithoutAList(t *testing.T) {
	t.Parallel()
	c := &wechat.Client{Transport: answering(200, `{}`)}
	if users, err := withToken(c).Users(t.Context(), []string{"oVisitor"}); outcome(users != nil, err) != "away" {
		t.Errorf("Users from {} = %v, %v; want an error without an errcode", users, err)
	}
}
