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

// FuzzCheck: decide gets exactly the request that Envoy received, or the request is
// denied. The upstream of a request that passes gets no identity but decide's.
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
		sent := &authv3.AttributeContext_HttpRequest{
			Method: method, Path: target, Host: host,
			HeaderMap: &corev3.HeaderMap{Headers: []*corev3.HeaderValue{{Key: name, RawValue: []byte(value)}}},
		}
		check := new(checkRequest)
		check.message.Attributes = &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{Http: sent}}
		called := false
		s := &Server{decide: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			compareRequest(t, sent, r)
			w.Header().Set("X-WX-OpenID", "o1")
			w.Header().Set("Cookie", value)
			w.WriteHeader(http.StatusOK)
		})}
		response := s.respond(t.Context(), check)
		if _, err := proto.Marshal(response); err != nil {
			t.Fatalf("a response that cannot be sent: %v", err)
		}
		ok := response.GetOkResponse()
		code := response.GetDeniedResponse().GetStatus().GetCode()
		if called != (ok != nil) || !called && code != 403 && (code != 400 || headers.IsToken(method)) {
			t.Fatalf("decide called: %t, response = %v", called, response)
		}
		if ok != nil {
			compareHeaders(t, name, ok)
		}
	})
}

// compareRequest compares what decide gets with what Envoy received.
func compareRequest(t *testing.T, sent *authv3.AttributeContext_HttpRequest, r *http.Request) {
	t.Helper()
	path, query, _ := strings.Cut(sent.Path, "?")
	decoded, err := url.PathUnescape(path)
	if r.RequestURI != sent.Path || r.URL.Path != decoded || r.URL.RawQuery != query || err != nil {
		t.Errorf("target %q: decide gets %q (path %q, query %q)", sent.Path, r.RequestURI, r.URL.Path, r.URL.RawQuery)
	}
	if r.Method != sent.Method || r.Host != sent.Host || r.URL.Host != "" || r.URL.Fragment != "" {
		t.Errorf("%v: decide gets %q of %q, URL %q", sent, r.Method, r.Host, r.URL)
	}
	if strings.ContainsAny(sent.Path, " #\r\n\x00") || sent.Path[0] != '/' || sent.Method == http.MethodConnect {
		t.Errorf("%q %q reached decide", sent.Method, sent.Path)
	}
}

// compareHeaders checks that the upstream gets decide's identity, and not the client's
// header of the given name if it is one of an identity.
func compareHeaders(t *testing.T, name string, ok *authv3.OkHttpResponse) {
	t.Helper()
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
}
