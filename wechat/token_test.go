package wechat_test

import (
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat"
)

func TestFetchToken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       string // "grant", "away" or the errcode
	}{
		{"token", `{"access_token":"AT","expires_in":7200}`, "grant"},
		{"lifetime in quotes", `{"access_token":"AT","expires_in":"7200"}`, "grant"},
		{"refusal", `{"errcode":40164,"errmsg":"invalid ip 203.0.113.7, not in whitelist"}`, "40164"},
		{"empty object", `{}`, "away"},
		{"empty token", `{"access_token":"","expires_in":7200}`, "away"},
		{"token with a space", `{"access_token":"A T","expires_in":7200}`, "away"},
		{"no lifetime", `{"access_token":"AT"}`, "away"},
		{"lifetime 0", `{"access_token":"AT","expires_in":0}`, "away"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{Transport: answering(200, test.body)}
			for name, fetch := range map[string]func() (*wechat.Token, error){
				"StableToken": func() (*wechat.Token, error) { return c.StableToken(t.Context(), false) },
				"LegacyToken": func() (*wechat.Token, error) { return c.LegacyToken(t.Context()) },
				"Token":       func() (*wechat.Token, error) { return (&wechat.TokenSource{Client: c}).Token(t.Context()) },
			} {
				token, err := fetch()
				if got := outcome(token != nil, err); got != test.want {
					t.Fatalf("%s = %s (%v), want %s", name, got, err, test.want)
				}
				if token != nil && (token.AccessToken != "AT" || token.ExpiresIn.Round(time.Minute) != 2*time.Hour) {
					t.Errorf("%s = %q for %v, want %q for 2h", name, token.AccessToken.Reveal(), token.ExpiresIn, "AT")
				}
			}
		})
	}
}
