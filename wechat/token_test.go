package wechat_test

import (
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat"
)

func TestStableToken(t *testing.T) {
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
		{"token with a blank", `{"access_token":"A T","expires_in":7200}`, "away"},
		{"no lifetime", `{"access_token":"AT"}`, "away"},
		{"lifetime 0", `{"access_token":"AT","expires_in":0}`, "away"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{Transport: answering(200, test.body)}
			token, err := c.StableToken(t.Context(), false)
			if got := outcome(token != nil, err); got != test.want {
				t.Fatalf("StableToken = %s (%v), want %s", got, err, test.want)
			}
			if want := (wechat.Token{AccessToken: "AT", ExpiresIn: 2 * time.Hour}); token != nil && *token != want {
				t.Errorf("StableToken = %q for %v, want %q for %v", token.AccessToken.Reveal(), token.ExpiresIn, "AT", want.ExpiresIn)
			}
		})
	}
}
