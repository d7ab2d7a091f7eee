package gateway

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session"
)

func TestStripIdentity(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		stays bool
	}{
		{"X-Wx-Openid", false},
		{"X-WX-OpenID", false},
		{"X-WX-OPENID", false},
		{"x-wx-openid", false},
		{"x-WX-openid", false},
		{"X_wx_openid", false},
		{"X_WX_OPENID", false},
		{"x_wx_openid", false},
		{"X-Wx_openid", false},
		{"X_wx-Openid", false},
		{"X-WX_OpenID", false},
		{"X.wx.openid", false},
		{"X!wx!openid", false},
		{"X~WX~OpenID", false},
		{"X*wx'openid", false},
		{"X|wx^openid", false},
		{"X#wx$openid", false},
		{"X%wx&openid", false},
		{"X`wx+openid", false},
		{"X wx openid", false},
		{"X-Wx-", false},
		{"X_wx_", false},
		{"X-Wx-Unionid", false},
		{"X-Wx-Appid", false},
		{"X-Wx-Source", false},
		{"X-Wx-Scope", false},
		{"X-Wx-Nickname", false},
		{"X-Wx-Avatar", false},
		{"X-Wx-Subscribed", false},
		{"X-Wx-Snapshot-User", false},
		{"X-Wx-Access-Token", false},
		{"X-Wx-Assertion", false},
		{"X-Wx-Login-Url", false},
		{"X-Wx-From-Openid", false},
		{"X-Wx-Not-Invented-Yet", false},
		{"", true},
		{"X", true},
		{"X-Wx", true},
		{"X-Wxopenid", true},
		{"Xwx-Openid", true},
		{"Xx-Wx-Openid", true},
		{"-X-Wx-Openid", true},
		{"Wx-Openid", true},
		{"X-W-Openid", true},
		{"X-Wxs-Openid", true},
		{"Cookie", true},
		{"X-Requested-With", true},
	}
	for _, test := range tests {
		h := http.Header{test.name: {"forged", "twice"}, "Accept": {"*/*"}}
		stripIdentity(h)
		if got := h[test.name] != nil; got != test.stays {
			t.Errorf("stripIdentity: %q stays is %t, want %t", test.name, got, test.stays)
		}
		if h["Accept"] == nil {
			t.Errorf("stripIdentity of %q removed Accept too", test.name)
		}
	}
	stripIdentity(nil)
}

// A nickname decodes to the same text whether a decoder reads + as a space or
// not.
func TestNicknameHeader(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"Ann", "Ann"},
		{"小明", "%E5%B0%8F%E6%98%8E"},
		{"😀", "%F0%9F%98%80"},
		{"👨‍👩‍👧", "%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7"},
		{"a b", "a%20b"},
		{" ", "%20"},
		{"a+b", "a%2Bb"},
		{"100%", "100%25"},
		{"a/b?c#d&e=f", "a%2Fb%3Fc%23d%26e%3Df"},
		{"\r\nX-Wx-Openid: evil", "%0D%0AX-Wx-Openid%3A%20evil"},
		{"\x00\t\x7f", "%00%09%7F"},
		{"\u202eevil", "%E2%80%AEevil"},
		{`"<>',;\`, "%22%3C%3E%27%2C%3B%5C"},
		{"-._~", "-._~"},
	}
	for _, test := range tests {
		h := make(http.Header)
		Identity{Nickname: test.in}.setHeaders(h)
		got := h.Get("X-WX-Nickname")
		if got != test.want {
			t.Errorf("nickname %q: header %q, want %q", test.in, got, test.want)
		}
		path, err1 := url.PathUnescape(got)
		query, err2 := url.QueryUnescape(got)
		if path != test.in || query != test.in {
			t.Errorf("nickname %q: header %q decodes to %q (%v) and %q (%v)", test.in, got, path, err1, query, err2)
		}
	}
}

func TestAvatarHeader(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"https://thirdwx.qlogo.cn/mmopen/vi_32/a+b/132?x=1&y=%2B#z", "https://thirdwx.qlogo.cn/mmopen/vi_32/a+b/132?x=1&y=%2B#z"},
		{"https://例.cn/头像.png", "https://%E4%BE%8B.cn/%E5%A4%B4%E5%83%8F.png"},
		{"https://a.cn/?q=头 像", "https://a.cn/?q=%E5%A4%B4%20%E5%83%8F"},
		{"weixin:头像", "weixin:%E5%A4%B4%E5%83%8F"},
		{"https://a.cn/\r\nX-Wx-Openid: evil", "https://a.cn/%0D%0AX-Wx-Openid:%20evil"},
		{"https://a.cn/\x00\x7f", "https://a.cn/%00%7F"},
		{"https://a.cn/\xff", "https://a.cn/%FF"},
		{"https://a.cn/%zz", "https://a.cn/%zz"},
		{":", ":"},
		{"/0", "/0"},
	}
	for _, test := range tests {
		h := make(http.Header)
		Identity{Avatar: test.in}.setHeaders(h)
		if got := h.Get("X-WX-Avatar"); got != test.want {
			t.Errorf("avatar %q: header %q, want %q", test.in, got, test.want)
		}
	}
}

// FuzzSetHeaders checks for any nickname and avatar that each header holds
// printable ASCII and that the nickname can be decoded.
func FuzzSetHeaders(f *testing.F) {
	for _, seed := range []string{"", "小明", "a+b c%", "\r\n", "\xff", "https://a.cn/头?像#\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := make(http.Header)
		Identity{Nickname: text, Avatar: text}.setHeaders(h)
		for name, values := range h {
			for _, c := range []byte(values[0]) {
				if c <= ' ' || c >= 0x7f {
					t.Fatalf("%q: %s holds %q", text, name, c)
				}
			}
		}
		if got, err := url.QueryUnescape(h.Get("X-WX-Nickname")); got != text {
			t.Errorf("nickname %q: decoded %q (%v)", text, got, err)
		}
	})
}

func TestIdentityOf(t *testing.T) {
	t.Parallel()
	if id, ok := IdentityFrom(t.Context()); ok {
		t.Errorf("IdentityFrom of a context without an identity = %+v", id)
	}
	s := &session.Session{
		OpenID: "o", AppID: "a", UnionID: "u", Scope: "s", Nickname: "n", Avatar: "v",
		SnapshotUser: true, Subscribed: true, FollowAskedAt: time.Now(),
	}
	if got, want := identityOf(s), (Identity{"o", "a", "u", "s", "n", "v", true, true, true}); got != want {
		t.Errorf("identityOf = %+v, want %+v", got, want)
	}
}
