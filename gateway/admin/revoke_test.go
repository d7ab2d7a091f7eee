package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/wechat"
)

const openID = "oVisitor0123456789abcdefghij"

// revocations records what is revoked.
type revocations struct {
	done []string // openids, and * for all
	err  error
}

func (r *revocations) Revoke(_ context.Context, openID string) error { return r.note(openID) }
func (r *revocations) RevokeAll(context.Context) error               { return r.note("*") }

func (r *revocations) note(what string) error {
	if r.err == nil {
		r.done = append(r.done, what)
	}
	return r.err
}

// newRevoker returns a handler that revokes with r, and its log.
func newRevoker(t *testing.T, r admin.Revocations) (*admin.Handler, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	return newHandler(t, admin.Config{
		Token: bearer, Tokens: []*wechat.TokenSource{{Client: new(wechat.Client)}},
		Revocations: r, Logger: zerolog.New(log),
	}), log
}

func postRevoke(t *testing.T, h http.Handler, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/revoke", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body string
		header     []string
		status     int
		want       string // part of the response
		done       string
	}{
		{"one visitor", `{"openid":"` + openID + `"}`, nil, 200, `{"revoked":"openid"}`, openID},
		{"spaces", " {\n\"openid\" : \"" + openID + "\" }\n", nil, 200, `{"revoked":"openid"}`, openID},
		{"charset", `{"openid":"` + openID + `"}`, []string{"Content-Type", "application/json; charset=utf-8"}, 200,
			`{"revoked":"openid"}`, openID},
		{"everybody", `{"all":true}`, nil, 200, `{"revoked":"all"}`, "*"},
		{"not everybody", `{"openid":"` + openID + `","all":false}`, nil, 200, `{"revoked":"openid"}`, openID},
		{"an openid of one star", `{"openid":"*"}`, nil, 200, `{"revoked":"openid"}`, "*"},

		{"both", `{"openid":"` + openID + `","all":true}`, nil, 400, "invalid_request", ""},
		{"both, one empty", `{"openid":"","all":true}`, nil, 400, "invalid_request", ""},
		{"neither", `{}`, nil, 400, "invalid_request", ""},
		{"all false", `{"all":false}`, nil, 400, "invalid_request", ""},
		{"empty", `{"openid":""}`, nil, 400, "invalid_request", ""},
		{"null", `{"openid":null}`, nil, 400, "invalid_request", ""},
		{"null beside all", `{"openid":null,"all":true}`, nil, 200, `{"revoked":"all"}`, "*"},
		{"number", `{"openid":7}`, nil, 400, "invalid_request", ""},
		{"list", `{"openid":["` + openID + `"]}`, nil, 400, "invalid_request", ""},
		{"all as text", `{"all":"true"}`, nil, 400, "invalid_request", ""},
		{"all as a number", `{"all":1}`, nil, 400, "invalid_request", ""},
		{"twice", `{"openid":"oA","openid":"oB"}`, nil, 400, "invalid_request", ""},
		{"all twice", `{"all":false,"all":true}`, nil, 400, "invalid_request", ""},
		{"unknown member", `{"openid":"` + openID + `","unionid":"u"}`, nil, 400, "invalid_request", ""},
		{"other case", `{"OpenID":"` + openID + `"}`, nil, 400, "invalid_request", ""},
		{"other case of all", `{"openid":"oA","ALL":true}`, nil, 400, "invalid_request", ""},
		{"two objects", `{"openid":"oA"}{"all":true}`, nil, 400, "invalid_request", ""},
		{"more than JSON", `{"openid":"oA"}x`, nil, 400, "invalid_request", ""},
		{"cut", `{"openid":"oA"`, nil, 400, "invalid_request", ""},
		{"cut in a name", `{"open`, nil, 400, "invalid_request", ""},
		{"no object", `"` + openID + `"`, nil, 400, "invalid_request", ""},
		{"array", `[{"openid":"oA"}]`, nil, 400, "invalid_request", ""},
		{"no body", ``, nil, 400, "invalid_request", ""},
		{"space in the openid", `{"openid":"o A"}`, nil, 400, "invalid_request", ""},
		{"line break in the openid", `{"openid":"oA\n"}`, nil, 400, "invalid_request", ""},
		{"openid beyond ASCII", `{"openid":"o\u5e97"}`, nil, 400, "invalid_request", ""},
		{"long openid", `{"openid":"` + strings.Repeat("o", 129) + `"}`, nil, 400, "invalid_request", ""},
		{"form", "openid=" + openID, []string{"Content-Type", "application/x-www-form-urlencoded"}, 400,
			"invalid_request", ""},
		{"JSON as text", `{"all":true}`, []string{"Content-Type", "text/plain"}, 400, "invalid_request", ""},
		{"no type", `{"all":true}`, []string{"Content-Type", ""}, 400, "invalid_request", ""},
		{"large", `{"openid":"` + strings.Repeat("o", 5000) + `"}`, nil, 413, "body_too_large", ""},
		{"large after the object", `{"all":true}` + strings.Repeat(" ", 5000), nil, 413, "body_too_large", ""},
		{"no token", `{"all":true}`, []string{"Authorization", ""}, 401, "unauthorized", ""},
		{"wrong token", `{"all":true}`, []string{"Authorization", "Bearer " + bearer + "x"}, 401, "unauthorized", ""},
		{"browser", `{"all":true}`, []string{"Origin", "https://evil.example"}, 403, "not_allowed", ""},
	} {
		r := new(revocations)
		h, log := newRevoker(t, r)
		w := postRevoke(t, h, tt.body, tt.header...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || strings.Join(r.done, " ") != tt.done {
			t.Errorf("%s: %d %s, revoked %q; want %d %s, %q", tt.name, w.Code, w.Body, r.done, tt.status, tt.want, tt.done)
		}
		header := w.Header()
		isJSON := strings.HasPrefix(header.Get("Content-Type"), "application/json")
		if header.Get("Cache-Control") != "no-store" || !isJSON {
			t.Errorf("%s: header %v, want JSON that is not stored", tt.name, header)
		}
		if strings.Contains(w.Body.String()+log.String(), openID) {
			t.Errorf("%s: the response or the log holds the openid: %s %s", tt.name, w.Body, log)
		}
		if logged := strings.Contains(log.String(), `"message":"sessions revoked"`); logged != (tt.status == 200) {
			t.Errorf("%s: log %s, want a line for what was done", tt.name, log)
		}
	}
}

func TestRevokeMethods(t *testing.T) {
	t.Parallel()
	r := new(revocations)
	h, _ := newRevoker(t, r)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		if w := requestAPI(t, h, method, "/v1/revoke?openid="+openID, "Bearer "+bearer); w.Code != 405 || len(r.done) > 0 {
			t.Errorf("%s = %d, revoked %q, want 405", method, w.Code, r.done)
		}
	}
}

// Without Redis nothing is revoked, and the response says so.
func TestRevokeWithoutRedis(t *testing.T) {
	t.Parallel()
	h, _ := newRevoker(t, nil)
	w := postRevoke(t, h, `{"openid":"`+openID+`"}`)
	var got struct{ Error, Message string }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 409 || got.Error != "invalid_request" ||
		got.Message != "Nothing was revoked: revocation needs Redis. Set WXGATE_REDIS_URL." {
		t.Errorf("%d %s, want 409 and what is missing", w.Code, w.Body)
	}
	if w := postRevoke(t, h, `{}`); w.Code != 400 {
		t.Errorf("%d %s, want 400: the mistake in the request comes first", w.Code, w.Body)
	}
}

// A failure is 503, with its cause in the response and the log.
func TestRevokeFails(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"openid":"` + openID + `"}`, `{"all":true}`} {
		h, log := newRevoker(t, &revocations{err: errors.New("revoke: redis: planted")})
		w := postRevoke(t, h, body)
		if w.Code != 503 || !strings.Contains(w.Body.String(), `"session_store_unavailable"`) ||
			!strings.Contains(w.Body.String(), "not confirmed: revoke: redis: planted") || w.Header().Get("Retry-After") != "5" {
			t.Errorf("%s: %d %s, want 503 and the cause", body, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), "revoke: redis: planted") || strings.Contains(log.String(), openID) {
			t.Errorf("%s: log %s, want the cause", body, log)
		}
	}
}

func FuzzRevokeBody(f *testing.F) {
	f.Add(`{"openid":"oA"}`)
	f.Add(`{"all":true}`)
	f.Add(`{"openid":"oA","all":false}`)
	f.Fuzz(func(t *testing.T, body string) {
		r := new(revocations)
		h, _ := newRevoker(t, r)
		w := postRevoke(t, h, body)
		if (w.Code == 200) != (len(r.done) == 1) || len(r.done) == 1 && !json.Valid([]byte(body)) {
			t.Errorf("%q: %d, revoked %q", body, w.Code, r.done)
		}
	})
}
