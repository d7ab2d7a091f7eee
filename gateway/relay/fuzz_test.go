package relay

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat"
)

// FuzzWithToken: every query has one access token in the end, the account's.
func FuzzWithToken(f *testing.F) {
	for _, seed := range []string{
		"", "a=1&access_token=mine", "%61ccess_token=x;ACCESS_TOKEN=y", "access_token", "a=%zz&&=&;",
		"access+token[]=1", "%00access_token%20=1",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got := withToken(query, wechat.Secret("ours"))
		if !strings.HasPrefix(got, "access_token=ours") {
			t.Fatalf("withToken(%q) = %q, which does not begin with the token", query, got)
		}
		separator := func(r rune) bool { return r == '&' || r == ';' }
		for part := range strings.FieldsFuncSeq(strings.TrimPrefix(got, "access_token=ours"), separator) {
			key, _, _ := strings.Cut(part, "=")
			if decoded, err := url.QueryUnescape(key); err == nil {
				key = decoded
			}
			if strings.EqualFold(strings.TrimSpace(key), "access_token") {
				t.Errorf("withToken(%q) = %q, which has another token", query, got)
			}
		}
		single := query != "" && !strings.Contains(query, "&")
		if single && !namesToken(query) && got != "access_token=ours&"+query {
			t.Errorf("withToken(%q) = %q, which changes the rest", query, got)
		}
	})
}

// FuzzTokenRefused: the body can still be read in full.
func FuzzTokenRefused(f *testing.F) {
	for _, seed := range []string{
		"", `{"errcode":40001}`, `{"errmsg":"x","errcode":42001}`, `{"errcode":"40001"}`, `[1]`,
		`{"errcode":{"errcode":40001}}`, "\xff\xd8",
	} {
		f.Add("application/json; encoding=utf-8", seed)
	}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		res := &http.Response{
			Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)),
			Request: &http.Request{URL: &url.URL{Path: "/cgi-bin/tags/get"}},
		}
		refused := tokenRefused(res)
		got, err := io.ReadAll(res.Body)
		if err != nil || string(got) != body {
			t.Fatalf("after tokenRefused the body is %q, %v, want %q", got, err, body)
		}
		if refused && !strings.Contains(body, "400") && !strings.Contains(body, "42001") {
			t.Errorf("tokenRefused(%q) = true", body)
		}
	})
}
