package refusal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/wechat"
)

// In the account's own name, a refusal is never the visitor's or a code's.
func TestWeChatAndExchange(t *testing.T) {
	t.Parallel()
	const login, info = "sns/oauth2/access_token", "cgi-bin/user/info"
	code := func(api string, code int) error { return &wechat.Error{API: api, Code: code, Message: "planted"} }
	tests := []struct {
		name   string
		err    error
		word   string
		status int
		hint   bool
		result string
	}{
		{"not reached", errors.New("dial tcp: refused"), "wechat_unavailable", 503, true, "wechat_away"},
		{"timeout", context.DeadlineExceeded, "wechat_unavailable", 503, true, "wechat_away"},
		{"visitor left", context.Canceled, "wechat_unavailable", 503, false, "wechat_away"},
		{"a web site", fmt.Errorf("decode response: %w", wechat.ErrNotJSON), "wechat_unavailable", 503, true, "wechat_away"},
		{"busy", code(login, -1), "wechat_unavailable", 503, false, "wechat_away"},
		{"too many calls", code(login, 45011), "wechat_unavailable", 503, false, "wechat_away"},
		{"token replaced", code(info, 40001), "wechat_unavailable", 503, false, "wechat_away"},
		{"wrong code", code(login, 40029), "invalid_code", 403, false, "code_refused"},
		{"used code", code(login, 40163), "invalid_code", 403, false, "code_refused"},
		{"missing code", code(login, 41008), "invalid_code", 403, false, "code_refused"},
		{"expired code", code(login, 42003), "invalid_code", 403, false, "code_refused"},
		{"visitor's account", code("sns/userinfo", 50002), "not_allowed", 403, false, "forbidden"},
		{"wrong secret", code(login, 40125), "wechat_error", 502, true, "misconfigured"},
		{"address not listed", code(info, 40164), "wechat_error", 502, true, "misconfigured"},
		{"unknown code", code(info, 99999), "wechat_error", 502, false, "misconfigured"},
		{"malformed call", code(info, 47001), "wechat_error", 502, false, "misconfigured"},
	}
	for _, tt := range tests {
		for _, err := range []error{tt.err, fmt.Errorf("exchange code: %w", tt.err)} {
			e := refusal.Exchange(err)
			if e.Word != tt.word || e.Status != tt.status || (e.Hint != "") != tt.hint || e.Result() != tt.result {
				t.Errorf("%s: %q, %d, hint %q, result %q, want %q, %d, a hint: %t, %q",
					tt.name, e.Word, e.Status, e.Hint, e.Result(), tt.word, tt.status, tt.hint, tt.result)
			}
			if e.Err != err {
				t.Errorf("%s: cause %v, want %v for the log", tt.name, e.Err, err)
			}
			own, want := refusal.WeChat(err), 503
			if tt.status != 503 {
				want = 502
			}
			if own.Status != want || own.Err != err {
				t.Errorf("%s, in the account's name: %d, cause %v, want %d, %v", tt.name, own.Status, own.Err, want, err)
			}
		}
	}
}

// The hint is the one for WeChat's errcode.
func TestWeChatHint(t *testing.T) {
	t.Parallel()
	err := &wechat.Error{API: "cgi-bin/token", Code: 40164, Message: "invalid ip 203.0.113.7"}
	if got := refusal.WeChat(err).Hint; got == "" || got != err.Hint() {
		t.Errorf("Hint = %q, want %q", got, err.Hint())
	}
}

// The hint for a call without an answer of WeChat's names what can be wrong.
func TestAwayHint(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"something else answers: ":                            fmt.Errorf("decode response: %w", wechat.ErrNotJSON),
		"if this goes on, check that this machine can reach ": errors.New("dial tcp: refused"),
	} {
		e := refusal.WeChat(err)
		if !strings.HasPrefix(e.Hint, want) || !strings.Contains(e.Hint, "WXGATE_WECHAT_API_URL") {
			t.Errorf("hint for %v = %q, want %q and the variable", err, e.Hint, want)
		}
		var log strings.Builder
		e.Log(zerolog.New(&log), "id1")
		if !strings.Contains(log.String(), `"level":"warn"`) || !strings.Contains(log.String(), `"hint":"`+want) {
			t.Errorf("the log says %s, want level warn and the hint", &log)
		}
	}
}

// A login without an error counts as "ok", or as "declined": no error has these
// labels.
func TestResults(t *testing.T) {
	t.Parallel()
	got := make(map[string]bool)
	for _, c := range constructors {
		got[c.e.Result()] = true
	}
	want := []string{
		"code_refused", "error", "forbidden", "invalid_state", "misconfigured", "store_away", "wechat_away",
	}
	if all := slices.Sorted(maps.Keys(got)); !slices.Equal(all, want) || !slices.Equal(refusal.Results(), want) {
		t.Errorf("results %q, Results %q, want %q", all, refusal.Results(), want)
	}
}
