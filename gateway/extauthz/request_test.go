package extauthz_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"google.golang.org/protobuf/proto"
)

// seen is what decide sees of a request.
type seen struct {
	Method, RequestURI, Path, RawQuery, Host, Proto, RemoteAddr string
	Header                                                      http.Header
}

// shop is what decide sees of checkRequest(nil), changed by change.
func shop(change func(*seen)) seen {
	want := seen{
		Method: "GET", RequestURI: "/shop?item=1", Path: "/shop", RawQuery: "item=1", Host: "h5.example.com",
		Proto: "HTTP/2.0", RemoteAddr: "203.0.113.7:41234",
		Header: http.Header{"Accept": {"text/html"}, "Cookie": {"theme=dark; wxgate=abc"}, "X-Request-Id": {"7f6d"}},
	}
	if change != nil {
		change(&want)
	}
	return want
}

// pipe is a client without an address.
var pipe = &authv3.AttributeContext_Peer{
	Address: &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/run/x"}}},
}

var requestCases = []struct {
	name string
	in   *authv3.CheckRequest
	want seen
}{
	{"headers by name, pseudo headers among them", checkRequest(nil), shop(nil)},
	{"header_map one by one, raw", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Headers = nil
		r.HeaderMap = &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
			{Key: ":path", RawValue: []byte("/shop?item=1")}, {Key: "accept", RawValue: []byte("text/html")},
			{Key: "cookie", RawValue: []byte("a=\xff")}, {Key: "cookie", RawValue: []byte("wxgate=abc")},
			{Key: "x-plain", Value: "text"},
		}}
	}), shop(func(s *seen) {
		s.Header = http.Header{"Accept": {"text/html"}, "Cookie": {"a=\xff", "wxgate=abc"}, "X-Plain": {"text"}}
	})},
	{"narrow allowed_headers", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Headers = nil
	}), shop(func(s *seen) { s.Header = http.Header{} })},
	{"path not decoded", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Path = "//a/%2e%2E/b%20c/../?q=100%&x=%zz;?"
	}), shop(func(s *seen) {
		s.RequestURI, s.Path, s.RawQuery = "//a/%2e%2E/b%20c/../?q=100%&x=%zz;?", "//a/../b c/../", "q=100%&x=%zz;?"
	})},
	{"path in Chinese", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Path = "/商店/?"
	}), shop(func(s *seen) { s.RequestURI, s.Path, s.RawQuery = "/商店/?", "/商店/", "" })},
	{"host header too", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Host, r.Headers = "[::1]:8443", map[string]string{"host": "evil.example"}
	}), shop(func(s *seen) { s.Host, s.Header = "[::1]:8443", http.Header{} })},
	{"host by its pseudo header alone", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Host, r.Headers = "", map[string]string{":authority": "shop.example.com", "host": "evil.example"}
	}), shop(func(s *seen) { s.Host, s.Header = "shop.example.com", http.Header{} })},
	{"no host", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Host, r.Headers = "", nil
	}), shop(func(s *seen) { s.Host, s.Header = "", http.Header{} })},
	{"HTTP/1.0 POST with a body buffered", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Method, r.Protocol, r.Body, r.Size = "POST", "HTTP/1.0", "a=b", 3
	}), shop(func(s *seen) { s.Method, s.Proto = "POST", "HTTP/1.0" })},
	{"no protocol", checkRequest(func(r *authv3.AttributeContext_HttpRequest) {
		r.Protocol = ""
	}), shop(func(s *seen) { s.Proto = "HTTP/1.1" })},
	{"IPv6 source", from(peer("2001:db8::7", 443)), shop(func(s *seen) { s.RemoteAddr = "[2001:db8::7]:443" })},
	{"source behind a pipe", from(pipe), shop(func(s *seen) { s.RemoteAddr = "" })},
	{"no source", from(nil), shop(func(s *seen) { s.RemoteAddr = "" })},
}

// TestRequest uses CheckRequests as Envoy documents them: in attribute_context.proto,
// and for encode_raw_headers and allowed_headers of the filter.
func TestRequest(t *testing.T) {
	t.Parallel()
	for _, c := range requestCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got seen
			response := check(t, func(w http.ResponseWriter, r *http.Request) {
				got = seen{
					r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.Host, r.Proto, r.RemoteAddr,
					maps.Clone(r.Header),
				}
				body, err := io.ReadAll(r.Body)
				if len(body) > 0 || err != nil || r.ContentLength != 0 || r.TLS != nil {
					t.Errorf("body = %q, %v, length %d, TLS %v; want none", body, err, r.ContentLength, r.TLS)
				}
				pass(w, r)
			}, c.in)
			if response.GetOkResponse() == nil {
				t.Fatalf("response = %v, want OK", response)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// from returns the CheckRequest of checkRequest(nil) from another client.
func from(source *authv3.AttributeContext_Peer) *authv3.CheckRequest {
	request := checkRequest(nil)
	request.Attributes.Source = source
	return request
}

// ofLine returns the CheckRequest of a request with this method and path.
func ofLine(method, path string) *authv3.CheckRequest {
	return checkRequest(func(r *authv3.AttributeContext_HttpRequest) { r.Method, r.Path = method, path })
}

// ofHost returns the CheckRequest of a request for this host.
func ofHost(host string) *authv3.CheckRequest {
	return checkRequest(func(r *authv3.AttributeContext_HttpRequest) { r.Host = host })
}

var malformedCases = []struct {
	name string
	in   *authv3.CheckRequest
}{
	{"empty", &authv3.CheckRequest{}},
	{"no request", &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Source: peer("203.0.113.7", 1)}}},
	{"TCP connection", &authv3.CheckRequest{
		Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}},
	}},
	{"no method", ofLine("", "/shop")},
	{"CONNECT", ofLine("CONNECT", "/")},
	{"OPTIONS *", ofLine("OPTIONS", "*")},
	{"no path", ofLine("GET", "")},
	{"absolute URL", ofLine("GET", "http://h5.example.com/")},
	{"no slash", ofLine("GET", "shop")},
	{"fragment", ofLine("GET", "/shop#/static/")},
	{"fragment in the query", ofLine("GET", "/shop?a=1#b")},
	{"space", ofLine("GET", "/shop HTTP/1.1")},
	{"tab", ofLine("GET", "/shop\t")},
	{"line break", ofLine("GET", "/shop\r\nX-Wx-Openid: o1")},
	{"DEL", ofLine("GET", "/shop\x7f")},
	{"NUL", ofLine("GET", "/shop\x00")},
	{"incomplete escape", ofLine("GET", "/shop%2")},
	{"invalid escape", ofLine("GET", "/shop%zz")},
	{"two hosts", ofHost("a.example b.example")},
	{"host with a path", ofHost("a.example/b")},
	{"host with a user", ofHost("u@a.example")},
	{"host with a line break", ofHost("a.example\r\n")},
	{"host not in ASCII", ofHost("商店.example")},
}

func TestMalformedIsDenied(t *testing.T) {
	t.Parallel()
	for _, c := range malformedCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			response := check(t, func(w http.ResponseWriter, r *http.Request) {
				t.Errorf("decide is called for %q", r.RequestURI)
				pass(w, r)
			}, c.in)
			status := response.GetDeniedResponse().GetStatus().GetCode()
			if status != 403 || response.GetStatus().GetCode() == 0 {
				t.Errorf("Check(%v) = %v, want denied with 403", c.in, response)
			}
		})
	}
}

// A method that is not a token is 400, as in the other ways to a site.
func TestMethodThatIsNoToken(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET /x", "G(T", "G\tT", "GET\r\n", "\x00", "GÉT", "GET:", `"GET"`, "GET/"} {
		response := check(t, func(w http.ResponseWriter, r *http.Request) {
			t.Errorf("decide is called for %q", r.Method)
			pass(w, r)
		}, ofLine(method, "/shop"))
		if got := response.GetDeniedResponse().GetStatus().GetCode(); got != 400 || response.GetStatus().GetCode() == 0 {
			t.Errorf("Check with method %q = %v, want denied with 400", method, response)
		}
	}
}

// Envoy copies the path as the client sent it. A byte that is not UTF-8 makes a message
// that Go does not decode. With failure_mode_allow, an error would let it pass.
func TestUndecodableIsDenied(t *testing.T) {
	t.Parallel()
	_, conn := start(t, http.HandlerFunc(pass), zerolog.Nop())
	whole, err := proto.Marshal(ofLine("GET", "/caf??"))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		in   []byte
	}{
		{"path in another encoding", bytes.Replace(whole, []byte("/caf??"), []byte("/caf\xe9\xff"), 1)},
		{"incomplete message", whole[:len(whole)/2]},
		{"one byte more", append(bytes.Clone(whole), 0xff)},
		{"no message", []byte("\xff\xff\xff")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := checkBytes(t.Context(), conn, c.in)
			if err != nil {
				t.Fatalf("Check = error %v, want a response", err)
			}
			response := new(authv3.CheckResponse)
			if err := proto.Unmarshal(got, response); err != nil {
				t.Fatal(err)
			}
			if got := response.GetDeniedResponse().GetStatus().GetCode(); got != 403 {
				t.Errorf("Check = %v, want denied with 403", response)
			}
		})
	}
}

// The log has the reason for each denial, and no part of the request.
func TestLogHidesRequests(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	_, conn := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic("planted-secret")
	}), zerolog.New(&log))
	client := authv3.NewAuthorizationClient(conn)
	for _, path := range []string{"/?code=planted-secret#", "/planted-secret%zz", "/ok"} {
		if _, err := client.Check(t.Context(), ofLine("GET", path)); err != nil {
			t.Fatalf("Check: %v", err)
		}
	}
	conn.Close()
	got := log.String()
	malformed, panicked := strings.Count(got, "malformed check request"), strings.Count(got, `"message":"panic"`)
	if malformed != 2 || panicked != 1 || strings.Contains(got, "planted-secret") {
		t.Errorf("log = %s, want three lines without the planted secret", got)
	}
}
