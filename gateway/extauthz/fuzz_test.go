package extauthz

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

// FuzzCheck: what decide sees is exactly what Envoy told, or the request is
// denied; and what reaches the upstream of a request that passes is no identity
// but decide's.
func FuzzCheck(f *testing.F) {
	for _, seed := range [][]string{
		{"GET", "/shop?item=1", "h5.example.com", "x_wx_openid", "evil"},
		{"POST", "//a/%2e%2E/%", "[::1]:80", "X-WX-OpenID", "evil"},
		{"OPTIONS", "*", "h5.example.com", "cookie", "a=\xff"},
		{"CONNECT", "/#", "a b", ":path", "/"},
		{"get", "/\x7f?\r\n", "", "host", "evil.example"},
		{"GET", "/?#", "h5.example.com", "x\u2011wx\u2011openid", "\x00"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	f.Fuzz(func(t *testing.T, method, target, host, name, value string) {
		name = strings.ToValidUTF8(name, "?") // or the message would not have decoded
		q := new(question)
		q.message.Attributes = &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{
			Method: method, Path: target, Host: host,
			HeaderMap: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: name, RawValue: []byte(value)}}},
		}}}
		asked := false
		s := &Server{decide: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = true
			path, query, _ := strings.Cut(target, "?")
			decoded, err := url.PathUnescape(path)
			if r.RequestURI != target || r.URL.Path != decoded || r.URL.RawQuery != query || err != nil {
				t.Errorf("target %q: decide saw %q (path %q, query %q)", target, r.RequestURI, r.URL.Path, r.URL.RawQuery)
			}
			if r.Method != method || r.Host != host || r.URL.Host != "" || r.URL.Fragment != "" {
				t.Errorf("%q %q of %q: decide saw %q of %q, URL %q", method, target, host, r.Method, r.Host, r.URL)
			}
			if strings.ContainsAny(target, " #\r\n\x00") || target[0] != '/' || method == http.MethodConnect {
				t.Errorf("%q %q reached decide", method, target)
			}
			w.Header().Set("X-WX-OpenID", "o1")
			w.Header().Set("Cookie", value)
			w.WriteHeader(http.StatusOK)
		})}
		answer := s.answer(t.Context(), q)
		if _, err := proto.Marshal(answer); err != nil {
			t.Fatalf("an answer that cannot be sent: %v", err)
		}
		ok := answer.GetOkResponse()
		if asked != (ok != nil) || !asked && answer.GetDeniedResponse().GetStatus().GetCode() != 403 {
			t.Fatalf("decide asked: %v, answer = %v", asked, answer)
		}
		if ok == nil {
			return
		}
		set, removed := make(map[string]bool), make(map[string]bool)
		for _, h := range ok.Headers {
			set[h.Header.Key] = true
		}
		for _, name := range ok.HeadersToRemove {
			removed[name] = true
			if set[name] {
				t.Errorf("%q is set and removed", name)
			}
		}
		small := lower(name)
		if !set["x-wx-openid"] || headers.IsIdentity(small) && !removed[small] && !set[small] {
			t.Errorf("header %q: set %v, removed %v", small, set, removed)
		}
	})
}
