package wechat_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat"
)

func TestUserInfo(t *testing.T) {
	t.Parallel()
	profile := func(extra string) string { return `{"openid":"oVisitor",` + extra + `"sex":0}` }
	picture := "https://thirdwx.qlogo.cn/mmopen/" + strings.Repeat("a", 1024-32)
	tests := []struct {
		name, body string
		want       *wechat.UserInfo // nil: an error that is no refusal
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
		{"unionid with a blank", profile(`"unionid":"a b",`), nil},
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
				t.Errorf("UserInfo = %v, want an error that is no refusal", err)
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
