package refusal_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway/internal/pages"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
)

var errCause = errors.New("planted cause")

// constructors lists the result of every constructor, and what is expected of it.
var constructors = []struct {
	name   string
	e      *refusal.Error
	of     string // the constructor of the word; empty: this one
	word   string
	status int
	page   pages.Name
	form   refusal.Form
	login  string // LoginURL
	retry  string // Retry-After
	result string // label of wxgate_logins_total
	level  string // of the log line
}{
	{
		name: "Unauthorized", e: refusal.Unauthorized("/login"),
		word: "unauthorized", status: 401, page: pages.Unauthorized, login: "/login", result: "error",
	},
	{
		name: "NotAllowed", e: refusal.NotAllowed(),
		word: "not_allowed", status: 403, page: pages.Forbidden, result: "forbidden",
	},
	{
		name: "NotOutsideWeChat", e: refusal.NotOutsideWeChat(), of: "NotAllowed",
		word: "not_allowed", status: 403, page: pages.Forbidden, result: "forbidden",
	},
	{
		name: "NotForBrowsers", e: refusal.NotForBrowsers("The relay"), of: "NotAllowed",
		word: "not_allowed", status: 403, page: pages.Forbidden, result: "forbidden",
	},
	{
		name: "Declined", e: refusal.Declined("/login"), of: "NotAllowed", form: refusal.FormPage,
		word: "not_allowed", status: 403, page: pages.Declined, login: "/login", result: "forbidden",
	},
	{
		name: "SnapshotUser", e: refusal.SnapshotUser(), of: "NotAllowed", form: refusal.FormPage,
		word: "not_allowed", status: 403, page: pages.Snapshot, result: "forbidden",
	},
	{
		name: "NotFollowing", e: refusal.NotFollowing("/login"),
		word: "not_following", status: 403, page: pages.Follow, login: "/login", result: "forbidden",
	},
	{
		name: "InvalidState", e: refusal.InvalidState("/login"),
		word: "invalid_state", status: 400, page: pages.Restart, login: "/login", result: "invalid_state",
	},
	{
		name: "InvalidCode", e: refusal.InvalidCode(errCause),
		word: "invalid_code", status: 403, page: pages.CodeRefused, result: "code_refused", level: "debug",
	},
	{
		name: "InvalidRequest", e: refusal.InvalidRequest(errCause),
		word: "invalid_request", status: 400, page: pages.BadRequest, result: "error", level: "debug",
	},
	{
		name: "BodyTimeout", e: refusal.BodyTimeout(errCause), of: "InvalidRequest",
		word: "invalid_request", status: 408, page: pages.BadRequest, result: "error", level: "debug",
	},
	{
		name: "WeChatError", e: refusal.WeChatError(errCause, ""),
		word: "wechat_error", status: 502, page: pages.Misconfigured, result: "misconfigured", level: "error",
	},
	{
		name: "WeChatUnavailable", e: refusal.WeChatUnavailable(errCause),
		word: "wechat_unavailable", status: 503, page: pages.WeChatAway,
		retry: "5", result: "wechat_away", level: "warn",
	},
	{
		name: "StoreUnavailable", e: refusal.StoreUnavailable(errCause),
		word: "session_store_unavailable", status: 503, page: pages.StoreAway,
		retry: "5", result: "store_away", level: "warn",
	},
	{
		name: "UpstreamUnavailable", e: refusal.UpstreamUnavailable(errCause),
		word: "upstream_unavailable", status: 502, page: pages.UpstreamDown,
		retry: "5", result: "error", level: "warn",
	},
	{
		name: "UpstreamTimeout", e: refusal.UpstreamTimeout(errCause), of: "UpstreamUnavailable",
		word: "upstream_unavailable", status: 504, page: pages.UpstreamDown,
		retry: "5", result: "error", level: "warn",
	},
	{
		name: "TooManyRequests", e: refusal.TooManyRequests(61500 * time.Millisecond),
		word: "too_many_requests", status: 429, page: pages.TooMany, retry: "62", result: "error",
	},
	{
		name: "BodyTooLarge", e: refusal.BodyTooLarge(),
		word: "body_too_large", status: 413, page: pages.TooLarge, result: "error",
	},
	{
		name: "UnknownSite", e: refusal.UnknownSite(),
		word: "unknown_site", status: 421, page: pages.UnknownSite, result: "error",
	},
	{
		name: "NotFound", e: refusal.NotFound(),
		word: "not_found", status: 404, page: pages.NotFound, result: "error",
	},
	{
		name: "MethodNotAllowed", e: refusal.MethodNotAllowed(),
		word: "method_not_allowed", status: 405, page: pages.Method, result: "error",
	},
	{
		name: "Internal", e: refusal.Internal(errCause),
		word: "internal_error", status: 500, page: pages.UpstreamDown, result: "error", level: "error",
	},
}

func TestConstructors(t *testing.T) {
	t.Parallel()
	for _, c := range constructors {
		e := c.e
		if e.Word != c.word || e.Status != c.status || e.Page != c.page || e.Form != c.form || e.LoginURL != c.login {
			t.Errorf("%s = %q, %d, page %q, form %d, login %q, want %q, %d, %q, %d, %q",
				c.name, e.Word, e.Status, e.Page, e.Form, e.LoginURL, c.word, c.status, c.page, c.form, c.login)
		}
		if !strings.HasSuffix(e.Message, ".") {
			t.Errorf("%s: Message = %q, want a sentence", c.name, e.Message)
		}
		if got := e.Result(); got != c.result {
			t.Errorf("%s: Result = %q, want %q", c.name, got, c.result)
		}
		if wraps := errors.Is(e, errCause); wraps != (c.level != "") {
			t.Errorf("%s wraps its cause: %t", c.name, wraps)
		}
	}
}

// Each word has one status and one constructor; the others of the same word are
// variants of it. Only upstream_unavailable has two statuses.
func TestWords(t *testing.T) {
	t.Parallel()
	statuses, owner := make(map[string][]int), make(map[string]string)
	for _, c := range constructors {
		if !slices.Contains(statuses[c.word], c.status) {
			statuses[c.word] = append(statuses[c.word], c.status)
		}
		if c.of == "" && owner[c.word] != "" {
			t.Errorf("%s and %s both make %q", owner[c.word], c.name, c.word)
		}
		if c.of == "" {
			owner[c.word] = c.name
		}
	}
	for _, c := range constructors {
		if c.of != "" && owner[c.word] != c.of {
			t.Errorf("%s has the word of %s, want that of %s", c.name, owner[c.word], c.of)
		}
	}
	want := map[string][]int{
		"invalid_state": {400}, "invalid_code": {403}, "invalid_request": {400, 408},
		"not_allowed": {403}, "not_following": {403}, "unauthorized": {401},
		"wechat_error": {502}, "wechat_unavailable": {503}, "session_store_unavailable": {503},
		"upstream_unavailable": {502, 504}, "too_many_requests": {429}, "body_too_large": {413},
		"unknown_site": {421}, "not_found": {404}, "method_not_allowed": {405}, "internal_error": {500},
	}
	if diff := cmp.Diff(want, statuses); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
	words := refusal.Words()
	slices.Sort(words)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), words); diff != "" {
		t.Errorf("Words (-want +got):\n%s", diff)
	}
}

// The table has every constructor of words.go.
func TestAllConstructorsAreKnown(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "words.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := make(map[string]bool)
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.IsExported() {
			declared[f.Name.Name] = true
		}
	}
	known := make(map[string]bool)
	for _, c := range constructors {
		known[c.name] = true
	}
	if !maps.Equal(declared, known) {
		t.Errorf("words.go has %v, the table %v", slices.Sorted(maps.Keys(declared)), slices.Sorted(maps.Keys(known)))
	}
}

// A client gets the word, the message and the request id, and not the cause. Only
// a 401 has a login_url.
func TestConstructorsWriteJSON(t *testing.T) {
	t.Parallel()
	for _, c := range constructors {
		w := httptest.NewRecorder()
		c.e.WriteJSON(w, "id1")
		loginURL := ""
		if c.status == 401 {
			loginURL = `,"login_url":"/login"`
		}
		want := `{"error":"` + c.word + `","message":"` + c.e.Message + `","request_id":"id1"` + loginURL + "}\n"
		if w.Code != c.status || w.Body.String() != want {
			t.Errorf("%s: %d %swant %d %s", c.name, w.Code, w.Body, c.status, want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s: Content-Type = %q, want JSON", c.name, got)
		}
		if got := w.Header().Get("Retry-After"); got != c.retry {
			t.Errorf("%s: Retry-After = %q, want %q", c.name, got, c.retry)
		}
	}
}
