package wechat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wxgate/wxgate/wechat"
)

const (
	exchange = "sns/oauth2/access_token"
	refresh  = "sns/oauth2/refresh_token"
	userInfo = "sns/userinfo"
	stable   = "cgi-bin/stable_token"
	legacy   = "cgi-bin/token"
	list     = "cgi-bin/user/get"
	user     = "cgi-bin/user/info"
	batch    = "cgi-bin/user/info/batchget"
	ticket   = "cgi-bin/ticket/getticket"
)

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	const none = "" // no hint
	tests := []struct {
		api         string
		code        int
		class       wechat.Class
		codeRefused bool
		stale       bool
		hint        string // found in Hint
	}{
		{exchange, -1, wechat.Later, false, false, none},
		{exchange, 40001, wechat.Operator, false, false, "AppSecret"},
		{stable, 40001, wechat.Operator, false, false, "AppSecret"},
		{userInfo, 40001, wechat.Visitor, false, true, none},
		{"sns/auth", 40001, wechat.Visitor, false, true, none},
		{refresh, 40001, wechat.Visitor, false, true, none},
		{exchange, 40002, wechat.Bug, false, false, none},
		{userInfo, 40003, wechat.Visitor, false, false, none},
		{exchange, 40013, wechat.Operator, false, false, "AppID"},
		{userInfo, 40014, wechat.Visitor, false, true, none},
		{exchange, 40014, wechat.Operator, false, false, none},
		{exchange, 40029, wechat.Visitor, true, false, none},
		{refresh, 40030, wechat.Visitor, false, false, none},
		{exchange, 40125, wechat.Operator, false, false, "AppSecret"},
		{exchange, 40163, wechat.Visitor, true, false, none},
		{stable, 40164, wechat.Operator, false, false, "allow-list"},
		{exchange, 40226, wechat.Visitor, false, false, none},
		{exchange, 40243, wechat.Operator, false, false, "frozen"},
		{userInfo, 41001, wechat.Bug, false, false, none},
		{exchange, 41002, wechat.Bug, false, false, none},
		{refresh, 41003, wechat.Bug, false, false, none},
		{exchange, 41004, wechat.Bug, false, false, none},
		{exchange, 41008, wechat.Visitor, true, false, none},
		{userInfo, 41009, wechat.Bug, false, false, none},
		{userInfo, 42001, wechat.Visitor, false, true, none},
		{refresh, 42002, wechat.Visitor, false, false, none},
		{exchange, 42003, wechat.Visitor, true, false, none},
		{refresh, 42007, wechat.Visitor, false, false, none},
		{exchange, 43001, wechat.Bug, false, false, none},
		{stable, 43002, wechat.Bug, false, false, none},
		{exchange, 43003, wechat.Bug, false, false, none},
		{stable, 44002, wechat.Bug, false, false, none},
		{stable, 45009, wechat.Later, false, false, none},
		{stable, 45011, wechat.Later, false, false, none},
		{stable, 47001, wechat.Bug, false, false, none},
		{userInfo, 48001, wechat.Operator, false, false, "snsapi_userinfo"},
		{userInfo, 48004, wechat.Operator, false, false, "barred"},
		{"cgi-bin/clear_quota", 48006, wechat.Operator, false, false, "next month"},
		{userInfo, 50001, wechat.Visitor, false, false, none},
		{exchange, 50002, wechat.Visitor, false, false, none},
		{userInfo, 50004, wechat.Visitor, false, false, none},
		{exchange, 40164, wechat.Operator, false, false, "every machine that calls WeChat"},
		{exchange, 61004, wechat.Operator, false, false, "every machine that calls WeChat"},
		{stable, 61004, wechat.Operator, false, false, "allow-list"},
		{legacy, 61004, wechat.Operator, false, false, "allow-list"},
		{list, 61004, wechat.Operator, false, false, "allow-list"},
		{user, 61004, wechat.Operator, false, false, "allow-list"},
		{ticket, 61004, wechat.Operator, false, false, "allow-list"},
		{userInfo, 61004, wechat.Operator, false, false, "allow-list"},
		{exchange, 48001, wechat.Operator, false, false, "government"},
		{exchange, 61007, wechat.Operator, false, false, "grant this right"},
		{exchange, 61016, wechat.Operator, false, false, "closed"},
		{stable, 89501, wechat.Operator, false, false, "administrator"},
		{stable, 89503, wechat.Operator, false, false, "administrator"},
		{stable, 89506, wechat.Operator, false, false, "administrator"},
		{stable, 89507, wechat.Operator, false, false, "administrator"},
		{exchange, 99999, wechat.Operator, false, false, none},

		// The account's own calls.
		{list, -1, wechat.Later, false, false, none},
		{list, 40001, wechat.Later, false, true, none},
		{list, 40014, wechat.Later, false, true, none},
		{list, 42001, wechat.Later, false, true, none},
		{list, 40003, wechat.Bug, false, false, none},
		{list, 40013, wechat.Operator, false, false, "AppID"},
		{list, 40164, wechat.Operator, false, false, "allow-list"},
		{list, 41001, wechat.Bug, false, false, none},
		{list, 43001, wechat.Bug, false, false, none},
		{list, 43002, wechat.Bug, false, false, none},
		{list, 43003, wechat.Bug, false, false, none},
		{list, 45009, wechat.Later, false, false, none},
		{list, 45011, wechat.Later, false, false, none},
		{list, 48001, wechat.Operator, false, false, "verified accounts"},
		{list, 48004, wechat.Operator, false, false, "barred"},
		{list, 50002, wechat.Visitor, false, false, none},
		{list, 61007, wechat.Operator, false, false, "grant this right"},
		{list, 99999, wechat.Operator, false, false, none},
		{user, -1, wechat.Later, false, false, none},
		{user, 40001, wechat.Later, false, true, none},
		{user, 40014, wechat.Later, false, true, none},
		{user, 42001, wechat.Later, false, true, none},
		{user, 40003, wechat.Visitor, false, false, none},
		{user, 40013, wechat.Operator, false, false, "AppID"},
		{user, 40164, wechat.Operator, false, false, "allow-list"},
		{user, 41001, wechat.Bug, false, false, none},
		{user, 43001, wechat.Bug, false, false, none},
		{user, 43002, wechat.Bug, false, false, none},
		{user, 43003, wechat.Bug, false, false, none},
		{user, 45009, wechat.Later, false, false, none},
		{user, 45011, wechat.Later, false, false, none},
		{user, 48001, wechat.Operator, false, false, "verified accounts"},
		{user, 48004, wechat.Operator, false, false, "barred"},
		{user, 50002, wechat.Visitor, false, false, none},
		{user, 61007, wechat.Operator, false, false, "grant this right"},
		{user, 99999, wechat.Operator, false, false, none},
		{batch, -1, wechat.Later, false, false, none},
		{batch, 40001, wechat.Later, false, true, none},
		{batch, 40014, wechat.Later, false, true, none},
		{batch, 42001, wechat.Later, false, true, none},
		{batch, 40003, wechat.Visitor, false, false, none},
		{batch, 40013, wechat.Operator, false, false, "AppID"},
		{batch, 40164, wechat.Operator, false, false, "allow-list"},
		{batch, 41001, wechat.Bug, false, false, none},
		{batch, 43001, wechat.Bug, false, false, none},
		{batch, 43002, wechat.Bug, false, false, none},
		{batch, 43003, wechat.Bug, false, false, none},
		{batch, 45009, wechat.Later, false, false, none},
		{batch, 45011, wechat.Later, false, false, none},
		{batch, 48001, wechat.Operator, false, false, "verified accounts"},
		{batch, 48004, wechat.Operator, false, false, "barred"},
		{batch, 50002, wechat.Visitor, false, false, none},
		{batch, 61007, wechat.Operator, false, false, "grant this right"},
		{batch, 99999, wechat.Operator, false, false, none},
		{ticket, -1, wechat.Later, false, false, none},
		{ticket, 40001, wechat.Later, false, true, none},
		{ticket, 40014, wechat.Later, false, true, none},
		{ticket, 42001, wechat.Later, false, true, none},
		{ticket, 40003, wechat.Visitor, false, false, none},
		{ticket, 40013, wechat.Operator, false, false, "AppID"},
		{ticket, 40164, wechat.Operator, false, false, "allow-list"},
		{ticket, 41001, wechat.Bug, false, false, none},
		{ticket, 43001, wechat.Bug, false, false, none},
		{ticket, 43002, wechat.Bug, false, false, none},
		{ticket, 43003, wechat.Bug, false, false, none},
		{ticket, 45009, wechat.Later, false, false, none},
		{ticket, 45011, wechat.Later, false, false, none},
		{ticket, 48001, wechat.Operator, false, false, "API rights"},
		{ticket, 48004, wechat.Operator, false, false, "barred"},
		{ticket, 50002, wechat.Visitor, false, false, none},
		{ticket, 61007, wechat.Operator, false, false, "grant this right"},
		{ticket, 99999, wechat.Operator, false, false, none},
		{user, 41009, wechat.Bug, false, false, none},
		{batch, 40031, wechat.Bug, false, false, none},
		{batch, 40032, wechat.Bug, false, false, none},
		{batch, 44002, wechat.Bug, false, false, none},
		{batch, 47001, wechat.Bug, false, false, none},
		{ticket, 40097, wechat.Bug, false, false, none},
		{stable, -1, wechat.Later, false, false, none},
		{stable, 40002, wechat.Bug, false, false, none},
		{stable, 41002, wechat.Bug, false, false, none},
		{stable, 41004, wechat.Bug, false, false, none},
		{stable, 43001, wechat.Bug, false, false, none},
		{stable, 40125, wechat.Operator, false, false, "AppSecret"},
		{stable, 40013, wechat.Operator, false, false, "AppID"},
		{stable, 40243, wechat.Operator, false, false, "frozen"},
		{stable, 48001, wechat.Operator, false, false, "API rights"},
		{stable, 48004, wechat.Operator, false, false, "barred"},
		{stable, 40014, wechat.Operator, false, false, none},
		{stable, 42001, wechat.Operator, false, false, none},
		{legacy, -1, wechat.Later, false, false, none},
		{legacy, 45009, wechat.Later, false, false, none},
		{legacy, 45011, wechat.Later, false, false, none},
		{legacy, 40002, wechat.Bug, false, false, none},
		{legacy, 41002, wechat.Bug, false, false, none},
		{legacy, 41004, wechat.Bug, false, false, none},
		{legacy, 43001, wechat.Bug, false, false, none},
		{legacy, 43002, wechat.Bug, false, false, none},
		{legacy, 44002, wechat.Bug, false, false, none},
		{legacy, 47001, wechat.Bug, false, false, none},
		{legacy, 40001, wechat.Operator, false, false, "AppSecret"},
		{legacy, 40125, wechat.Operator, false, false, "AppSecret"},
		{legacy, 40013, wechat.Operator, false, false, "AppID"},
		{legacy, 40164, wechat.Operator, false, false, "allow-list"},
		{legacy, 40243, wechat.Operator, false, false, "frozen"},
		{legacy, 48001, wechat.Operator, false, false, "API rights"},
		{legacy, 48004, wechat.Operator, false, false, "barred"},
		{legacy, 89501, wechat.Operator, false, false, "administrator"},
		{legacy, 89503, wechat.Operator, false, false, "administrator"},
		{legacy, 89506, wechat.Operator, false, false, "administrator"},
		{legacy, 89507, wechat.Operator, false, false, "administrator"},
		{legacy, 40014, wechat.Operator, false, false, none},
		{legacy, 42001, wechat.Operator, false, false, none},
	}
	for _, test := range tests {
		e := &wechat.Error{API: test.api, Code: test.code, Message: "text"}
		if got := e.Class(); got != test.class {
			t.Errorf("%v: Class = %v, want %v", e, got, test.class)
		}
		if got := e.CodeRefused(); got != test.codeRefused {
			t.Errorf("%v: CodeRefused = %t, want %t", e, got, test.codeRefused)
		}
		if got := e.Stale(); got != test.stale {
			t.Errorf("%v: Stale = %t, want %t", e, got, test.stale)
		}
		if got := e.Hint(); (got == "") != (test.hint == none) || !strings.Contains(got, test.hint) {
			t.Errorf("%v: Hint = %q, want %q in it", e, got, test.hint)
		}
	}
}

func TestHintNamesTheAddress(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 65c17d8c-5cf05990-781aabe9": "add 203.0.113.7 to",
		"invalid ip ::ffff:203.0.113.7, not in whitelist":                                                  "add 203.0.113.7 to",
		"invalid ip 2001:db8::7, not in whitelist":                                                         "add 2001:db8::7 to",
		"access clientip is not registered requestIP: 203.0.113.7 rid: 65c17d8c-5cf05990-781aabe9":         "add 203.0.113.7 to",
		"access clientip is not registered requestIP:203.0.113.7 rid: 65c17d8c":                            "add 203.0.113.7 to",
		"access clientip is not registered requestIP: 2001:db8::7, rid: 65c17d8c":                          "add 2001:db8::7 to",
		"access clientip is not registered requestIP:2001:db8::7":                                          "add 2001:db8::7 to",
		"access clientip is not registered requestIP: rid: 65c17d8c":                                       "add the server's public address to",
		"invalid ip fe80::1%<b>, not in whitelist":                                                         "add the server's public address to",
		"invalid ip <b>, not in whitelist":                                                                 "add the server's public address to",
		"":                                                                                                 "add the server's public address to",
	} {
		for _, code := range []int{40164, 61004} {
			e := &wechat.Error{API: stable, Code: code, Message: message}
			if got := e.Hint(); !strings.Contains(got, want) {
				t.Errorf("Hint of %d %q = %q, want %q in it", code, message, got, want)
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, want string
	}{
		{
			"as WeChat sends it", `{"errcode":40029,"errmsg":"invalid code, rid: 65c17d8c-5cf05990-781aabe9"}`,
			"sns/oauth2/access_token: errcode 40029: invalid code, rid: 65c17d8c-5cf05990-781aabe9",
		},
		{"no text", `{"errcode":-1}`, "sns/oauth2/access_token: errcode -1: "},
		{"control characters", `{"errcode":-1,"errmsg":"a\r\nb\u0000\u001b[31m\u0085c"}`, "sns/oauth2/access_token: errcode -1: ab[31mc"},
		{"not UTF-8", "{\"errcode\":-1,\"errmsg\":\"a\xffb\"}", "sns/oauth2/access_token: errcode -1: a\ufffdb"},
		{
			"cut at a whole character", `{"errcode":-1,"errmsg":"` + strings.Repeat("中", 1000) + `"}`,
			"sns/oauth2/access_token: errcode -1: " + strings.Repeat("中", 170), // 3 bytes each: 510 of 512
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{Transport: answering(200, test.body)}
			_, err := c.Exchange(t.Context(), "xyz")
			if e, ok := errors.AsType[*wechat.Error](err); !ok || e.Error() != test.want || !utf8.ValidString(e.Message) {
				t.Errorf("Exchange = %q, want %q", err, test.want)
			}
		})
	}
}

func TestClassString(t *testing.T) {
	t.Parallel()
	for class, want := range map[wechat.Class]string{
		wechat.Visitor: "visitor", wechat.Operator: "operator", wechat.Later: "later", wechat.Bug: "bug", 9: "class 9",
	} {
		if got := class.String(); got != want {
			t.Errorf("Class(%d).String() = %q, want %q", int(class), got, want)
		}
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"ok":       nil,
		"visitor":  &wechat.Error{API: exchange, Code: 40029},
		"operator": &wechat.Error{API: exchange, Code: 40125},
		"later":    &wechat.Error{API: exchange, Code: 45011},
		"bug":      fmt.Errorf("wrapped: %w", &wechat.Error{API: exchange, Code: 40002}),
		"away":     errors.New("dial tcp 127.0.0.1:1: connection refused"),
	} {
		if got := wechat.Result(err); got != want {
			t.Errorf("Result(%v) = %q, want %q", err, got, want)
		}
		if !slices.Contains(wechat.Results(), want) {
			t.Errorf("Results = %q, want %q among them", wechat.Results(), want)
		}
	}
	if got := len(wechat.Results()); got != 6 {
		t.Errorf("Results has %d values, want those of this test", got)
	}
	if got := wechat.Result(context.Canceled); got != "away" {
		t.Errorf("Result(context.Canceled) = %q, want away", got)
	}
	c := &wechat.Client{Transport: answering(200, "{}")}
	if _, err := c.Exchange(t.Context(), "code"); wechat.Result(err) != "away" {
		t.Errorf("Result(%v) = %q, want away", err, wechat.Result(err))
	}
}
