package refusal_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/wechat"
)

func TestLog(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    *refusal.Error
		want string
	}{
		{
			"operator has to act, hint", refusal.WeChatError(errCause, "compare the AppID"),
			`{"level":"error","error":"planted cause","request_id":"id1","error_word":"wechat_error",` +
				`"hint":"compare the AppID","message":"request failed"}` + "\n",
		},
		{
			"hint of another word", &refusal.Error{Word: "not_found", Status: 404, Err: errCause, Hint: "do it"},
			`{"level":"error","error":"planted cause","request_id":"id1","error_word":"not_found",` +
				`"hint":"do it","message":"request failed"}` + "\n",
		},
		{
			"failed upstream, hint", failedUpstream(),
			`{"level":"warn","error":"planted cause","request_id":"id1","error_word":"upstream_unavailable",` +
				`"upstream":"http://web:80","hint":"start it","message":"request failed"}` + "\n",
		},
		{
			"refused account, without an answer for the visitor", refusedProfile(),
			`{"level":"error","error":"sns/userinfo: errcode 48001: planted","request_id":"id1",` +
				`"error_word":"wechat_unavailable","hint":"do it","message":"request failed"}` + "\n",
		},
		{"no cause, hint", refusal.WeChatError(nil, "compare the AppID"), ""},
	}
	for _, c := range constructors {
		want := ""
		if c.level != "" {
			want = fmt.Sprintf(`{"level":%q,"error":"planted cause","request_id":"id1","error_word":%q,`+
				`"message":"request failed"}`+"\n", c.level, c.word)
		}
		tests = append(tests, struct {
			name string
			e    *refusal.Error
			want string
		}{c.name, c.e, want})
	}
	for _, tt := range tests {
		var log bytes.Buffer
		tt.e.Log(zerolog.New(&log), "id1")
		if got := log.String(); got != tt.want {
			t.Errorf("%s: line %q, want %q", tt.name, got, tt.want)
		}
	}
}

// failedUpstream is the error of an upstream, with everything that the log tells.
func failedUpstream() *refusal.Error {
	e := refusal.UpstreamUnavailable(errCause)
	e.Upstream, e.Hint = "http://web:80", "start it"
	return e
}

// refusedProfile is the error of a login whose profile WeChat refuses to the account.
func refusedProfile() *refusal.Error {
	e := refusal.WeChatUnavailable(&wechat.Error{API: "sns/userinfo", Code: 48001, Message: "planted"})
	e.Hint = "do it"
	return e
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]*refusal.Error{
		"not_found":                      refusal.NotFound(),
		"invalid_request: planted cause": refusal.InvalidRequest(errCause),
	} {
		if got := e.Error(); got != want {
			t.Errorf("Error() = %q, want %q", got, want)
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	e := refusal.NotFound()
	if got := refusal.Of(e); got != e {
		t.Errorf("Of an Error = %v, want the same", got)
	}
	if got := refusal.Of(fmt.Errorf("serve: %w", e)); got != e {
		t.Errorf("Of a wrapped Error = %v, want the same", got)
	}
	if got := refusal.Of(errCause); got.Word != "internal_error" || !errors.Is(got, errCause) {
		t.Errorf("Of another error = %v, want internal_error", got)
	}
}

// In returns a copy: several requests may share an error.
func TestIn(t *testing.T) {
	t.Parallel()
	e := refusal.InvalidCode(errCause)
	page := e.In(refusal.FormPage)
	if e.Form != refusal.FormByRequest || page.Form != refusal.FormPage {
		t.Errorf("In: forms %d and %d, want %d and %d", e.Form, page.Form, refusal.FormByRequest, refusal.FormPage)
	}
	if page.Form = e.Form; *page != *e {
		t.Errorf("In = %+v, want only another form than %+v", page, e)
	}
}

// A client that waits as long as Retry-After says does not come too early.
func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		-time.Second: "", 0: "", time.Nanosecond: "1", time.Second: "1", time.Second + 1: "2", time.Hour: "3600",
	} {
		h := make(http.Header)
		refusal.TooManyRequests(wait).SetHeader(h)
		if got := h.Get("Retry-After"); got != want {
			t.Errorf("Retry-After of %s = %q, want %q", wait, got, want)
		}
	}
}
