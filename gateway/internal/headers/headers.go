// Package headers names the identity headers and compares header names as other
// servers may read them.
package headers

import "strings"

// The identity headers, in Go's canonical form. The first four are also those of
// WeChat's own cloud hosting (微信云托管).
const (
	OpenID       = "X-Wx-Openid"
	UnionID      = "X-Wx-Unionid"
	AppID        = "X-Wx-Appid"
	Source       = "X-Wx-Source"
	Scope        = "X-Wx-Scope"
	Nickname     = "X-Wx-Nickname"
	Avatar       = "X-Wx-Avatar"
	Subscribed   = "X-Wx-Subscribed"
	SnapshotUser = "X-Wx-Snapshot-User"
	AccessToken  = "X-Wx-Access-Token"
	// Assertion is a JWT about the visitor. The site can verify that it comes from
	// the gateway, even if others can send requests to the site.
	Assertion = "X-Wx-Assertion"
)

// Identity returns the names of all identity headers.
func Identity() []string {
	return []string{
		OpenID, UnionID, AppID, Source, Scope, Nickname, Avatar, Subscribed, SnapshotUser, AccessToken, Assertion,
	}
}

// IsIdentity reports whether a server may read name as that of an identity header.
func IsIdentity(name string) bool { return HasPrefix(name, "x-wx-") }

// HasPrefix reports whether name begins with prefix for servers that fold names: it
// ignores case, and treats every byte but letters and digits as a hyphen. prefix
// must be in lower case.
func HasPrefix(name, prefix string) bool {
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if fold(name[i]) != prefix[i] {
			return false
		}
	}
	return true
}

// NamesTarget reports whether name is, in any spelling, a header that tells a server of
// another path or method than the request's own: what proxies send to forward auth, and
// what some frameworks serve in place of the path.
func NamesTarget(name string) bool {
	return HasPrefix(name, "x-original-") || HasPrefix(name, "x-rewrite-url") ||
		HasPrefix(name, "x-forwarded-uri") || HasPrefix(name, "x-forwarded-method")
}

// IsRegular reports whether all servers read name in the same way, because it
// consists of letters, digits and hyphens.
func IsRegular(name string) bool {
	for i := range len(name) {
		if name[i] != '-' && fold(name[i]) == '-' {
			return false
		}
	}
	return true
}

// guarded are the headers about the request's end and its connection, and those that the
// gateway changes. A server that finds one where the gateway does not may read a
// different request. They are in lower case.
var guarded = [...]string{
	"transfer-encoding", "content-length", "connection", "host", "cookie", "upgrade", "te", "trailer", "expect",
	"keep-alive", "proxy-connection",
}

// IsDisguised reports whether only some servers read name as Transfer-Encoding,
// Content-Length, Connection, Host, Cookie or another header of that kind, such as
// Content_Length: those that fold names as [HasPrefix] does, or drop what is not a
// letter or digit at either end.
func IsDisguised(name string) bool {
	inner := name
	for inner != "" && fold(inner[0]) == '-' {
		inner = inner[1:]
	}
	for inner != "" && fold(inner[len(inner)-1]) == '-' {
		inner = inner[:len(inner)-1]
	}
	if len(inner) == len(name) && IsRegular(name) {
		return false
	}
	for _, header := range guarded {
		if len(inner) == len(header) && HasPrefix(inner, header) {
			return true
		}
	}
	return false
}

// IsToken reports whether s is a token of RFC 9110, as methods and header names are.
func IsToken(s string) bool {
	for i := range len(s) {
		if fold(s[i]) == '-' && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

func fold(c byte) byte {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return c
	case 'A' <= c && c <= 'Z':
		return c + ('a' - 'A')
	default:
		return '-'
	}
}
