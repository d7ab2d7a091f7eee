package extauthz_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
)

// allIdentity are the names of the identity headers in lower case.
var allIdentity = []string{
	"x-wx-access-token", "x-wx-appid", "x-wx-assertion", "x-wx-avatar", "x-wx-nickname", "x-wx-openid",
	"x-wx-scope", "x-wx-snapshot-user", "x-wx-source", "x-wx-subscribed", "x-wx-unionid",
}

// identityExcept returns allIdentity without the given names.
func identityExcept(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(allIdentity), func(name string) bool { return slices.Contains(names, name) })
}

var allowedCases = []struct {
	name     string
	sent     map[string]string // the client's header
	response http.Header       // of decide
	set      []header
	remove   []string
	added    []header
}{
	{
		"identity of the visitor and of the client",
		map[string]string{
			"x-wx-openid": "evil", "x_wx_openid": "evil", "X-WX-SOURCE": "evil", "x.wx.unionid": "evil",
			"x-wx-scope": "evil", "x-wx-admin": "1", "x-wxy": "stays", "x-w": "stays",
		},
		http.Header{"X-Wx-Openid": {"o1"}, "X-Wx-Source": {"wx_client"}, "Cache-Control": {"no-store"}},
		[]header{{"x-wx-openid", "o1", false}, {"x-wx-source", "wx_client", false}},
		append(identityExcept("x-wx-openid", "x-wx-source"), "x_wx_openid", "x.wx.unionid", "x-wx-admin"),
		nil,
	},
	{
		"headers that only some servers read",
		map[string]string{
			"transfer_encoding": "chunked", "Content.Length": "5", "cookie_": "wxgate=abc", "host_": "evil", "-connection": "close",
			"content-length": "3", "transfer-encoding": "chunked", "host": "stays", "x_other": "stays", "content_type": "stays",
		},
		http.Header{"X-Wx-Openid": {"o1"}},
		[]header{{"x-wx-openid", "o1", false}},
		append(identityExcept("x-wx-openid"), "transfer_encoding", "content.length", "cookie_", "host_", "-connection"),
		nil,
	},
	{
		"public path without a session",
		map[string]string{"x_wx-openid": "evil"},
		http.Header{"X-Wx-Openid": {""}},
		nil,
		append(slices.Clone(allIdentity), "x_wx-openid"),
		nil,
	},
	{
		"headers that name another path removed",
		map[string]string{"x-original-url": "/orders", "x_rewrite_url": "/orders", "x-forwarded-uri": "/orders", "accept": "*/*"},
		http.Header{"X-Wx-Openid": {""}},
		nil,
		append(slices.Clone(allIdentity), "x-original-url", "x_rewrite_url", "x-forwarded-uri"),
		nil,
	},
	{
		"session reissued",
		nil,
		http.Header{"X-Wx-Openid": {"o1"}, "Set-Cookie": {"wxgate=new; Path=/", "wxgate_login_1=; Max-Age=0"}},
		[]header{{"x-wx-openid", "o1", false}},
		identityExcept("x-wx-openid"),
		[]header{{"set-cookie", "wxgate=new; Path=/", true}, {"set-cookie", "wxgate_login_1=; Max-Age=0", true}},
	},
	{
		"own cookies removed",
		map[string]string{"cookie": "theme=dark; wxgate=abc"},
		http.Header{"Cookie": {"theme=dark", "b=\xff\r\nx"}},
		[]header{{"cookie", "theme=dark; b=!  x", false}},
		allIdentity,
		nil,
	},
	{
		"no cookie left",
		map[string]string{"cookie": "wxgate=abc"},
		http.Header{"Cookie": {""}},
		nil,
		append(slices.Clone(allIdentity), "cookie"),
		nil,
	},
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	for _, c := range allowedCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			response := check(t, func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), c.response)
				w.WriteHeader(http.StatusOK)
				io.WriteString(w, "a body that nobody gets")
				w.WriteHeader(http.StatusForbidden) // too late
			}, checkRequest(func(r *authv3.AttributeContext_HttpRequest) { r.Headers = c.sent }))
			ok := response.GetOkResponse()
			if ok == nil || response.GetStatus().GetCode() != int32(codes.OK) {
				t.Fatalf("response = %v, want OK", response)
			}
			if diff := cmp.Diff(c.set, headersOf(ok.Headers), cmp.AllowUnexported(header{})); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(sorted(c.remove...), ok.HeadersToRemove); diff != "" {
				t.Errorf("headers_to_remove (-want +got):\n%s", diff)
			}
			added := headersOf(ok.ResponseHeadersToAdd)
			if diff := cmp.Diff(c.added, added, cmp.AllowUnexported(header{})); diff != "" {
				t.Errorf("response_headers_to_add (-want +got):\n%s", diff)
			}
			for name, value := range atUpstream(c.sent, ok) {
				if value == "evil" && name != "X-WX-SOURCE" { // Envoy's names are in lower case
					t.Errorf("the upstream gets %s: %s from the client", name, value)
				}
			}
		})
	}
}

var deniedCases = []struct {
	name    string
	decide  http.HandlerFunc
	status  int32
	code    codes.Code
	headers []header
	body    string
}{
	{"login", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1#wechat_redirect")
		w.Header().Add("Set-Cookie", "wxgate_login_1=a")
		w.Header().Add("Set-Cookie", "wxgate_login_2=; Max-Age=0")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusFound)
	}, 302, codes.Unauthenticated, []header{
		{"cache-control", "no-store", false},
		{"location", "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1#wechat_redirect", false},
		{"set-cookie", "wxgate_login_1=a", false},
		{"set-cookie", "wxgate_login_2=; Max-Age=0", true},
	}, ""},
	{"unauthorized", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "24")
		w.Header().Set("X-WX-Login-URL", "https://h5.example.com/_wx/login")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"error":`)
		io.WriteString(w, `"unauthorized"}`)
	}, 401, codes.Unauthenticated, []header{
		{"content-type", "application/json", false}, {"x-wx-login-url", "https://h5.example.com/_wx/login", false},
	}, `{"error":"unauthorized"}`},
	{"forbidden", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "<h1>不可以</h1>")
	}, 403, codes.PermissionDenied, []header{{"content-type", "text/html; charset=utf-8", false}}, "<h1>不可以</h1>"},
	{"unknown site", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusMisdirectedRequest)
	}, 421, codes.PermissionDenied, nil, ""},
	{"unavailable", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
	}, 503, codes.PermissionDenied, []header{{"retry-after", "5", false}}, ""},
	{"early hints first", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusForbidden)
	}, 403, codes.PermissionDenied, nil, ""},
	{"another 2xx", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}, 204, codes.PermissionDenied, nil, ""},
	{"no response", func(http.ResponseWriter, *http.Request) {}, 503, codes.PermissionDenied, nil, ""},
	{"panic", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Wx-Openid", "o1")
		w.WriteHeader(http.StatusOK)
		panic(errors.New("half way"))
	}, 500, codes.PermissionDenied, nil, ""},
	{"aborted", func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}, 500, codes.PermissionDenied, nil, ""},
	{"body too long", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		for range 2 {
			io.WriteString(w, strings.Repeat("x", 600<<10))
		}
	}, 500, codes.PermissionDenied, nil, ""},
	{"not UTF-8", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Odd"] = []string{"a\xffb\r\nc\td"}
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "caf\xe9")
	}, 403, codes.PermissionDenied, []header{{"x-odd", "a!b  c\td", false}}, "caf\uFFFD"},
}

func TestDenied(t *testing.T) {
	t.Parallel()
	for _, c := range deniedCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			response := check(t, c.decide, checkRequest(nil))
			no := response.GetDeniedResponse()
			code := codes.Code(response.GetStatus().GetCode())
			if no == nil || int32(no.GetStatus().GetCode()) != c.status || code != c.code {
				t.Fatalf("response = %v, want %v with %d", response, c.code, c.status)
			}
			if diff := cmp.Diff(c.headers, headersOf(no.Headers), cmp.AllowUnexported(header{})); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if no.Body != c.body {
				t.Errorf("body = %q, want %q", no.Body, c.body)
			}
		})
	}
}
