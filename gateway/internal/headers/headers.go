// Package headers knows the headers that tell a site who its visitor is, and how
// other servers may spell them.
package headers

// The identity headers, in the form in which Go keeps them. The first four are
// named as WeChat's own cloud hosting (微信云托管) names them.
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
	// Assertion carries a JWT that says who the visitor is: by it the site knows
	// that the others come from the gateway, whoever else can reach it.
	Assertion = "X-Wx-Assertion"
)

// Identity returns the names of all identity headers.
func Identity() []string {
	return []string{OpenID, UnionID, AppID, Source, Scope, Nickname, Avatar, Subscribed, SnapshotUser, AccessToken, Assertion}
}

// IsIdentity reports whether some server behind could take name for that of an
// identity header.
func IsIdentity(name string) bool { return HasPrefix(name, "x-wx-") }

// HasPrefix reports whether name begins with prefix, which is in lower case, for
// servers that fold names: case does not count, and everything but a letter or
// digit is as good as a hyphen.
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

// IsRegular reports whether every server reads name in the same way: it is
// made of letters, digits and hyphens.
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
