package wechat_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat"
)

func TestRequests(t *testing.T) {
	t.Parallel()
	c := &wechat.Client{AppID: "wx1", AppSecret: "s&c"}
	tests := []struct {
		name string
		call func(context.Context) error
		want string // method, address, Content-Type and body
	}{
		{
			"Exchange", func(ctx context.Context) error { _, err := c.Exchange(ctx, "c d"); return err },
			"GET https://api.weixin.qq.com/sns/oauth2/access_token?appid=wx1&secret=s%26c&code=c%20d&grant_type=authorization_code",
		},
		{
			"Refresh", func(ctx context.Context) error { _, err := c.Refresh(ctx, "R+T"); return err },
			"GET https://api.weixin.qq.com/sns/oauth2/refresh_token?appid=wx1&grant_type=refresh_token&refresh_token=R%2BT",
		},
		{
			"CheckToken", func(ctx context.Context) error { return c.CheckToken(ctx, "AT", "oVisitor") },
			"GET https://api.weixin.qq.com/sns/auth?access_token=AT&openid=oVisitor",
		},
		{
			"UserInfo", func(ctx context.Context) error { _, err := c.UserInfo(ctx, "AT", "oVisitor", "en"); return err },
			"GET https://api.weixin.qq.com/sns/userinfo?access_token=AT&openid=oVisitor&lang=en",
		},
		{
			"UserInfo, no language", func(ctx context.Context) error { _, err := c.UserInfo(ctx, "AT", "oVisitor", ""); return err },
			"GET https://api.weixin.qq.com/sns/userinfo?access_token=AT&openid=oVisitor&lang=zh_CN",
		},
		{
			"StableToken", func(ctx context.Context) error { _, err := c.StableToken(ctx, false); return err },
			`POST https://api.weixin.qq.com/cgi-bin/stable_token application/json {"grant_type":"client_credential","appid":"wx1","secret":"s\u0026c","force_refresh":false}`,
		},
		{
			"StableToken, forced", func(ctx context.Context) error { _, err := c.StableToken(ctx, true); return err },
			`POST https://api.weixin.qq.com/cgi-bin/stable_token application/json {"grant_type":"client_credential","appid":"wx1","secret":"s\u0026c","force_refresh":true}`,
		},
	}
	for _, test := range tests { // not in parallel: they share the client
		var got string
		c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			got = r.Method + " " + r.URL.String()
			if r.Method == http.MethodPost {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				got += " " + r.Header.Get("Content-Type") + " " + string(body)
			}
			return answering(200, `{"errcode":0,"openid":"oVisitor","access_token":"AT","expires_in":7200}`).RoundTrip(r)
		})
		if err := test.call(t.Context()); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got != test.want {
			t.Errorf("%s sent\n     %s,\nwant %s", test.name, got, test.want)
		}
	}
}

func TestGrant(t *testing.T) {
	t.Parallel()
	full := strings.Replace(grantBody, "snsapi_base", "snsapi_base,snsapi_userinfo", 1)
	tests := []struct {
		name, body string
		want       wechat.Grant
	}{
		{
			"every field", strings.Replace(full, "{", `{"unionid":"uVisitor","is_snapshotuser":1,`, 1),
			wechat.Grant{AccessToken: "AT", RefreshToken: "RT", ExpiresIn: 2 * time.Hour, OpenID: "oVisitor", UnionID: "uVisitor", Scope: "snsapi_base,snsapi_userinfo", SnapshotUser: true},
		},
		{
			"only those that are always there", grantBody,
			wechat.Grant{AccessToken: "AT", RefreshToken: "RT", ExpiresIn: 2 * time.Hour, OpenID: "oVisitor", Scope: "snsapi_base"},
		},
		{
			"snapshot flag in quotes", strings.Replace(grantBody, "{", `{"is_snapshotuser":"1",`, 1),
			wechat.Grant{AccessToken: "AT", RefreshToken: "RT", ExpiresIn: 2 * time.Hour, OpenID: "oVisitor", Scope: "snsapi_base", SnapshotUser: true},
		},
		{
			"snapshot flag 0", strings.Replace(grantBody, "{", `{"is_snapshotuser":0,`, 1),
			wechat.Grant{AccessToken: "AT", RefreshToken: "RT", ExpiresIn: 2 * time.Hour, OpenID: "oVisitor", Scope: "snsapi_base"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{Transport: answering(200, test.body)}
			for name, call := range map[string]func() (*wechat.Grant, error){
				"Exchange": func() (*wechat.Grant, error) { return c.Exchange(t.Context(), "code") },
				"Refresh":  func() (*wechat.Grant, error) { return c.Refresh(t.Context(), "RT") },
			} {
				got, err := call()
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if *got != test.want {
					t.Errorf("%s differs (-want +got):\n%s", name, cmp.Diff(test.want, *got))
				}
			}
		})
	}
}

func TestGrantHas(t *testing.T) {
	t.Parallel()
	tests := []struct {
		scope          string
		base, userInfo bool
	}{
		{"snsapi_base", true, false},
		{"snsapi_userinfo", false, true},
		{"snsapi_base,snsapi_userinfo", true, true},
		{"xsnsapi_base,snsapi_userinfo2", false, false},
		{"", false, false},
	}
	for _, test := range tests {
		g := &wechat.Grant{Scope: test.scope}
		if base, userInfo := g.Has(wechat.ScopeBase), g.Has(wechat.ScopeUserInfo); base != test.base || userInfo != test.userInfo {
			t.Errorf("scope %q: Has = %t, %t; want %t, %t", test.scope, base, userInfo, test.base, test.userInfo)
		}
	}
}

func TestCheckToken(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"errcode":0,"errmsg":"ok"}`:                 "grant",
		`{"errcode":40003,"errmsg":"invalid openid"}`: "40003",
		`{"errcode":42001,"errmsg":"expired"}`:        "42001",
		`{}`:                                          "away",
		`{"errcode":null}`:                            "away",
		`null`:                                        "away",
		`{"error":"not for you","errmsg":"unreachable"}`: "away",
	} {
		c := &wechat.Client{Transport: answering(200, body)}
		err := c.CheckToken(t.Context(), "AT", "oVisitor")
		if got := outcome(err == nil, err); got != want {
			t.Errorf("CheckToken of %s = %s (%v), want %s", body, got, err, want)
		}
	}
}

// For everything that a server may send: the values of a grant can be sent in a
// header, its lifetime is a whole number of seconds, and an error can be logged.
func FuzzGrant(f *testing.F) {
	f.Add(200, []byte(grantBody))
	f.Add(200, []byte(strings.Replace(grantBody, "{", "{\"errcode\":\"0\",\"unionid\":\"u\",\"is_snapshotuser\":1,\x01", 1)))
	f.Add(500, []byte(`{"errcode":40029,"errmsg":"invalid code PLANTED-CODE \u0000 \ud83d"}`))
	f.Add(200, []byte(`{"openid":"o\u00e9","OPENID":"x y","access_token":"\u0000"}`))
	f.Add(200, []byte("\ufeff{\"errcode\":1e2}"))
	f.Add(502, []byte("<html>\xff"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		const code = "PLANTED-CODE"
		c := &wechat.Client{Transport: answering(status, string(body))}
		g, err := c.Exchange(t.Context(), code)
		if err != nil {
			checkErrorText(t, err, code)
			return
		}
		if status != http.StatusOK {
			t.Errorf("a grant with status %d", status)
		}
		if g.OpenID == "" || len(g.OpenID) > 128 || g.AccessToken == "" {
			t.Errorf("grant without an openid or token: %+v", g)
		}
		for _, s := range []string{g.OpenID, g.UnionID, g.Scope, g.AccessToken.Reveal(), g.RefreshToken.Reveal()} {
			if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("%q is not visible ASCII", s)
			}
		}
		if g.ExpiresIn < 0 || g.ExpiresIn%time.Second != 0 {
			t.Errorf("ExpiresIn = %v", g.ExpiresIn)
		}
	})
}

// checkErrorText fails unless err is one short line without the secrets.
func checkErrorText(t *testing.T, err error, secrets ...string) {
	t.Helper()
	text := err.Error()
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || len(text) > 600 {
		t.Errorf("error text %q is not one short line", text)
	}
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			t.Errorf("error text %q shows %q", text, secret)
		}
	}
	if e, ok := errors.AsType[*wechat.Error](err); ok && e.Code == 0 {
		t.Errorf("a refusal with errcode 0: %v", err)
	}
}
