package extauthz

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

// passed is the answer that lets a request pass, with the identity that decide
// put into header and none that the client claims.
func passed(told *authv3.AttributeContext_HttpRequest, header http.Header) *authv3.CheckResponse {
	ok := new(authv3.OkHttpResponse)
	// All of them: an Envoy with a narrow allowed_headers does not tell which the
	// client sent.
	var remove []string
	for _, name := range headers.Identity() {
		remove = append(remove, lower(name))
	}
	for name := range fields(told) {
		if headers.IsIdentity(name) {
			remove = append(remove, lower(name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		values := header[name]
		switch {
		case name == "Set-Cookie":
			ok.ResponseHeadersToAdd = added(nil, name, values)
		case name == "Cookie":
			if cookies := strings.Join(values, "; "); cookies != "" {
				ok.Headers = replaced(ok.Headers, name, []string{cookies})
			} else {
				remove = append(remove, "cookie")
			}
		case headers.IsIdentity(name) && strings.Join(values, "") != "":
			ok.Headers = replaced(ok.Headers, name, values)
		}
	}
	// Envoy removes after it has set (ext_authz.cc, Filter::onComplete), so
	// that a name in both lists would not reach the upstream.
	remove = slices.DeleteFunc(remove, func(name string) bool {
		return slices.ContainsFunc(ok.Headers, func(set *corev3.HeaderValueOption) bool {
			return set.Header.Key == name
		})
	})
	slices.Sort(remove)
	ok.HeadersToRemove = slices.Compact(remove)
	return &authv3.CheckResponse{
		Status:       &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: ok},
	}
}

// denied is the answer that Envoy gives to the visitor in place of the
// upstream's.
func denied(statusCode int, header http.Header, body string) *authv3.CheckResponse {
	code := codes.PermissionDenied
	if statusCode == http.StatusUnauthorized || statusCode == http.StatusFound {
		code = codes.Unauthenticated
	}
	no := &authv3.DeniedHttpResponse{
		Status: &typev3.HttpStatus{Code: typev3.StatusCode(statusCode)},
		Body:   strings.ToValidUTF8(body, string(utf8.RuneError)), // or gRPC could not send it
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		switch name {
		case "Connection", "Content-Length", "Keep-Alive", "Trailer", "Transfer-Encoding", "Upgrade":
			// How the answer travels is between Envoy and the visitor.
		default:
			no.Headers = replaced(no.Headers, name, header[name])
		}
	}
	return &authv3.CheckResponse{
		Status:       &status.Status{Code: int32(code)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: no},
	}
}

// replaced appends to options those that give the header the values and no
// others. The first takes the place of what stands there: of what the client
// sent, or of the Content-Type of Envoy's own answers.
func replaced(options []*corev3.HeaderValueOption, name string, values []string) []*corev3.HeaderValueOption {
	first := len(options)
	options = added(options, name, values)
	if len(options) > first {
		options[first].AppendAction = corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD
	}
	return options
}

// added appends to options those that add the values to the header's others.
func added(options []*corev3.HeaderValueOption, name string, values []string) []*corev3.HeaderValueOption {
	name = lower(name)
	for _, value := range values {
		options = append(options, &corev3.HeaderValueOption{
			Header:       &corev3.HeaderValue{Key: name, Value: plain(value)},
			AppendAction: corev3.HeaderValueOption_APPEND_IF_EXISTS_OR_ADD,
		})
	}
	return options
}

// plain is a header's value as gRPC can send it and as net/http would: line
// breaks and other control characters are blanks. What is no UTF-8 becomes an
// exclamation mark, as Envoy writes it.
func plain(value string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == utf8.RuneError:
			return '!'
		case c < ' ' && c != '\t', c == 0x7f:
			return ' '
		}
		return c
	}, value)
}

// lower is name with ASCII's capital letters made small, and no others: a
// Kelvin sign is no k.
func lower(name string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + ('a' - 'A')
		}
		return c
	}, name)
}
