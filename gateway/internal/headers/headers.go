// Package headers names the identity headers and compares header names as other
// servers may read them.
package headers

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
