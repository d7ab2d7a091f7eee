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

// told is what a handler sees of a request.
type told struct {
	Method, RequestURI, Path, RawQuery, Host, Proto, RemoteAddr string
	Header                                                      http.Header
}

// TestRequest sends what Envoy sends, by its own account: the comments of
// attribute_context.proto and of the filter's encode_raw_headers and
// allowed_headers.
func TestRequest(t *testing.T) {
	t.Parallel()
	pipe := &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/run/x"}}}}
	shop := func(change func(*told)) told {
		seen := told{
			Method: "GET", RequestURI: "/shop?item=1", Path: "/shop", RawQuery: "item=1", Host: "h5.example.com",
			Proto: "HTTP/2.0", RemoteAddr: "203.0.113.7:41234",
			Header: http.Header{"Accept": {"text/html"}, "Cookie": {"theme=dark; wxgate=abc"}, "X-Request-Id": {"7f6d"}},
		}
		if change != nil {
			change(&seen)
		}
		return seen
	}
	cases := []struct {
		name string
		in   *authv3.CheckRequest
		want told
	}{
		{"headers by name, pseudo headers among them", question(nil), shop(nil)},
		{"header_map one by one, raw", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Headers = nil
			r.HeaderMap = &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
				{Key: ":path", RawValue: []byte("/shop?item=1")}, {Key: "accept", RawValue: []byte("text/html")},
				{Key: "cookie", RawValue: []byte("a=\xff")}, {Key: "cookie", RawValue: []byte("wxgate=abc")}, {Key: "x-plain", Value: "text"},
			}}
		}), shop(func(s *told) {
			s.Header = http.Header{"Accept": {"text/html"}, "Cookie": {"a=\xff", "wxgate=abc"}, "X-Plain": {"text"}}
		})},
		{"narrow allowed_headers", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Headers = nil
		}), shop(func(s *told) { s.Header = http.Header{} })},
		{"path not decoded", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Path = "//a/%2e%2E/b%20c/../?q=100%&x=%zz;?"
		}), shop(func(s *told) {
			s.RequestURI, s.Path, s.RawQuery = "//a/%2e%2E/b%20c/../?q=100%&x=%zz;?", "//a/../b c/../", "q=100%&x=%zz;?"
		})},
		{"path in Chinese", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Path = "/商店/?"
		}), shop(func(s *told) { s.RequestURI, s.Path, s.RawQuery = "/商店/?", "/商店/", "" })},
		{"host header besides", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Host, r.Headers = "[::1]:8443", map[string]string{"host": "evil.example"}
		}), shop(func(s *told) { s.Host, s.Header = "[::1]:8443", http.Header{} })},
		{"host by its pseudo header alone", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Host, r.Headers = "", map[string]string{":authority": "shop.example.com", "host": "evil.example"}
		}), shop(func(s *told) { s.Host, s.Header = "shop.example.com", http.Header{} })},
		{"no host", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Host, r.Headers = "", nil
		}), shop(func(s *told) { s.Host, s.Header = "", http.Header{} })},
		{"HTTP/1.0 POST with a body buffered", question(func(r *authv3.AttributeContext_HttpRequest) {
			r.Method, r.Protocol, r.Body, r.Size = "POST", "HTTP/1.0", "a=b", 3
		}), shop(func(s *told) { s.Method, s.Proto = "POST", "HTTP/1.0" })},
		{"no protocol", question(func(r *authv3.AttributeContext_HttpRequest) { r.Protocol = "" }), shop(func(s *told) { s.Proto = "HTTP/1.1" })},
		{"IPv6 source", from(peer("2001:db8::7", 443)), shop(func(s *told) { s.RemoteAddr = "[2001:db8::7]:443" })},
		{"source behind a pipe", from(pipe), shop(func(s *told) { s.RemoteAddr = "" })},
		{"no source", from(nil), shop(func(s *told) { s.RemoteAddr = "" })},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got told
			answer := ask(t, func(w http.ResponseWriter, r *http.Request) {
				got = told{r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.Host, r.Proto, r.RemoteAddr, maps.Clone(r.Header)}
				if body, err := io.ReadAll(r.Body); len(body) > 0 || err != nil || r.ContentLength != 0 || r.TLS != nil {
					t.Errorf("body = %q, %v, length %d, TLS %v; want none", body, err, r.ContentLength, r.TLS)
				}
				pass(w, r)
			}, c.in)
			if answer.GetOkResponse() == nil {
				t.Fatalf("answer = %v, want OK", answer)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func from(source *authv3.AttributeContext_Peer) *authv3.CheckRequest {
	q := question(nil)
	q.Attributes.Source = source
	return q
}

func TestMalformedIsDenied(t *testing.T) {
	t.Parallel()
	changed := func(change func(*authv3.AttributeContext_HttpRequest)) *authv3.CheckRequest { return question(change) }
	path := func(p string) *authv3.CheckRequest {
		return question(func(r *authv3.AttributeContext_HttpRequest) { r.Path = p })
	}
	host := func(h string) *authv3.CheckRequest {
		return question(func(r *authv3.AttributeContext_HttpRequest) { r.Host = h })
	}
	method := func(m string) *authv3.CheckRequest {
		return question(func(r *authv3.AttributeContext_HttpRequest) { r.Method = m })
	}
	cases := []struct {
		name string
		in   *authv3.CheckRequest
	}{
		{"nothing", &authv3.CheckRequest{}},
		{"no request", &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Source: peer("203.0.113.7", 1)}}},
		{"a TCP connection", &authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}}}},
		{"no method", method("")},
		{"method of two words", method("GET /x")},
		{"CONNECT", changed(func(r *authv3.AttributeContext_HttpRequest) { r.Method, r.Path = "CONNECT", "/" })},
		{"OPTIONS *", changed(func(r *authv3.AttributeContext_HttpRequest) { r.Method, r.Path = "OPTIONS", "*" })},
		{"no path", path("")},
		{"absolute URL", path("http://h5.example.com/")},
		{"no slash", path("shop")},
		{"fragment", path("/shop#/static/")},
		{"fragment in the query", path("/shop?a=1#b")},
		{"blank", path("/shop HTTP/1.1")},
		{"tab", path("/shop\t")},
		{"line break", path("/shop\r\nX-Wx-Openid: o1")},
		{"DEL", path("/shop\x7f")},
		{"NUL", path("/shop\x00")},
		{"half an escape", path("/shop%2")},
		{"no escape", path("/shop%zz")},
		{"host of two", host("a.example b.example")},
		{"host with a path", host("a.example/b")},
		{"host with a user", host("u@a.example")},
		{"host with a line break", host("a.example\r\n")},
		{"host not in ASCII", host("商店.example")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			answer := ask(t, func(w http.ResponseWriter, r *http.Request) {
				t.Errorf("decide was asked about %q", r.RequestURI)
				pass(w, r)
			}, c.in)
			if got := answer.GetDeniedResponse().GetStatus().GetCode(); got != 403 || answer.GetStatus().GetCode() == 0 {
				t.Errorf("Check(%v) = %v, want denied with 403", c.in, answer)
			}
		})
	}
}

// TestUnreadableIsDenied: Envoy puts the path into its message as the client
// sent it. A byte that is no UTF-8 makes the message one that Go does not
// decode, and an error would let the request pass under failure_mode_allow.
func TestUnreadableIsDenied(t *testing.T) {
	t.Parallel()
	_, conn := start(t, http.HandlerFunc(pass), zerolog.Nop())
	whole, err := proto.Marshal(question(func(r *authv3.AttributeContext_HttpRequest) { r.Path = "/caf??" }))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		in   []byte
	}{
		{"path in another encoding", bytes.Replace(whole, []byte("/caf??"), []byte("/caf\xe9\xff"), 1)},
		{"half a message", whole[:len(whole)/2]},
		{"all of it and more", append(bytes.Clone(whole), 0xff)},
		{"no message", []byte("\xff\xff\xff")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			reply, err := askBytes(t.Context(), conn, c.in)
			if err != nil {
				t.Fatalf("Check = error %v, want an answer", err)
			}
			answer := new(authv3.CheckResponse)
			if err := proto.Unmarshal(reply, answer); err != nil {
				t.Fatal(err)
			}
			if got := answer.GetDeniedResponse().GetStatus().GetCode(); got != 403 {
				t.Errorf("Check = %v, want denied with 403", answer)
			}
		})
	}
}

// TestLogTellsNothing: the log says that a question was not understood, and
// nothing of what stood in it.
func TestLogTellsNothing(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	_, conn := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("planted-secret") }), zerolog.New(&log))
	client := authv3.NewAuthorizationClient(conn)
	for _, path := range []string{"/?code=planted-secret#", "/planted-secret%zz", "/ok"} {
		if _, err := client.Check(t.Context(), question(func(r *authv3.AttributeContext_HttpRequest) { r.Path = path })); err != nil {
			t.Fatalf("Check: %v", err)
		}
	}
	conn.Close()
	if got := log.String(); strings.Contains(got, "planted-secret") || strings.Count(got, "check not understood") != 2 || strings.Count(got, "check panicked") != 1 {
		t.Errorf("log = %s, want three lines without the planted secret", got)
	}
}
