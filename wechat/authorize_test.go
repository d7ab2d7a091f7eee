package wechat_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat"
)

func ExampleClient_AuthorizeURL() {
	c := &wechat.Client{AppID: "wx0123456789abcdef"}
	fmt.Println(c.AuthorizeURL(wechat.Authorize{
		RedirectURI:     "https://h5.example.com/_wx/callback",
		Scope:           wechat.ScopeBase,
		State:           "7f9c2ba4e88f827d616045507605853e",
		ConnectRedirect: true,
	}))
	// Output:
	// https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0123456789abcdef&redirect_uri=https%3A%2F%2Fh5.example.com%2F_wx%2Fcallback&response_type=code&scope=snsapi_base&state=7f9c2ba4e88f827d616045507605853e&connect_redirect=1#wechat_redirect
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		open string
		in   wechat.Authorize
		want string
	}{
		{
			"zero value", "",
			wechat.Authorize{},
			"https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx%261&redirect_uri=&response_type=code&scope=snsapi_base&state=#wechat_redirect",
		},
		{
			"everything, in WeChat's order", "http://127.0.0.1:8081/",
			wechat.Authorize{RedirectURI: "https://a.cn/", Scope: wechat.ScopeUserInfo, State: "s", ConnectRedirect: true, ForcePopup: true, ForceSnapShot: true},
			"http://127.0.0.1:8081/connect/oauth2/authorize?appid=wx%261&redirect_uri=https%3A%2F%2Fa.cn%2F&response_type=code&scope=snsapi_userinfo&state=s&connect_redirect=1&forcePopup=true&forceSnapShot=true#wechat_redirect",
		},
		{
			"query, fragment, space, plus, Chinese, escaped slash", "https://open.example.com",
			wechat.Authorize{RedirectURI: "https://a.cn/é/%2F?q=1&r=a b+c#/中", State: "a&b=c d"},
			"https://open.example.com/connect/oauth2/authorize?appid=wx%261&redirect_uri=https%3A%2F%2Fa.cn%2F%C3%A9%2F%252F%3Fq%3D1%26r%3Da%20b%2Bc%23%2F%E4%B8%AD&response_type=code&scope=snsapi_base&state=a%26b%3Dc%20d#wechat_redirect",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{AppID: "wx&1", AppSecret: "s3cret", OpenURL: test.open}
			if got := c.AuthorizeURL(test.in); got != test.want {
				t.Errorf("AuthorizeURL(%+v)\n = %s,\nwant %s", test.in, got, test.want)
			}
		})
	}
}

func TestScopeUnmarshalText(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{
		"snsapi_base": true, "snsapi_userinfo": true,
		"": false, "SNSAPI_BASE": false, " snsapi_base": false, "snsapi_base,snsapi_userinfo": false, "snsapi_login": false,
	} {
		s := wechat.Scope("before")
		err := s.UnmarshalText([]byte(in))
		want := wechat.Scope("before")
		if ok {
			want = wechat.Scope(in)
		}
		if (err == nil) != ok || s != want {
			t.Errorf("UnmarshalText(%q) = %q, %v; want %q, ok %t", in, s, err, want, ok)
		}
	}
}

// For all values: parsing the address gives exactly those values back, once each,
// and the fragment stays at the end.
func FuzzAuthorizeURL(f *testing.F) {
	f.Add("wx1", "https://a.cn/?x=1&y=%2F#z", "state")
	f.Add("wx#", "https://a.cn/ +;", "&appid=wx2#")
	f.Add("\xff", "中", "\x00\r\n")
	f.Fuzz(func(t *testing.T, appID, redirectURI, state string) {
		c := &wechat.Client{AppID: appID}
		address := c.AuthorizeURL(wechat.Authorize{RedirectURI: redirectURI, State: state, ConnectRedirect: true})
		u, err := url.Parse(address)
		if err != nil {
			t.Fatalf("%q does not parse: %v", address, err)
		}
		values, err := url.ParseQuery(u.RawQuery)
		if err != nil || u.Fragment != "wechat_redirect" || strings.ContainsAny(address, "+ ") {
			t.Fatalf("address %q, query error %v", address, err)
		}
		for name, want := range map[string]string{
			"appid": appID, "redirect_uri": redirectURI, "response_type": "code",
			"scope": "snsapi_base", "state": state, "connect_redirect": "1",
		} {
			if got := values[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s of %q = %q, want %q", name, address, got, want)
			}
		}
	})
}
