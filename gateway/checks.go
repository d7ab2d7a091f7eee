package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/gateway/pathset"
)

// CheckPrefix returns nil if prefix can be the path of the gateway's own
// endpoints, [Config.Prefix], and otherwise what is expected.
func CheckPrefix(prefix string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-/"
	if !strings.HasPrefix(prefix, "/") || prefix == "/" || path.Clean(prefix) != prefix ||
		strings.Trim(prefix, letters) != "" || pathset.IsAmbiguous(prefix+"/") {
		return errors.New("expected a clean path of letters, digits and . _ ~ - / " +
			"without a slash at its end, such as /_wx")
	}
	return nil
}

// CheckVerifyFile returns nil if token can be one of [Site.VerifyFiles], and
// otherwise what is expected.
func CheckVerifyFile(token string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	if token == "" || len(token) > 64 || strings.Trim(token, letters) != "" {
		return errors.New("expected only the part between MP_verify_ and .txt in the file's name: " +
			"at most 64 letters and digits")
	}
	return nil
}

// CheckPublicPaths returns nil if patterns can be [Site.PublicPaths], and
// otherwise what is wrong with them.
func CheckPublicPaths(patterns []string) error {
	_, err := newPublicPaths(patterns)
	return err
}

// newPublicPaths returns the set of the public paths. With a set of all paths the
// gateway would let everyone pass.
func newPublicPaths(patterns []string) (*pathset.Set, error) {
	set, err := pathset.New(patterns)
	if err == nil && set.Extent(http.MethodGet) == pathset.All {
		return nil, errors.New("opens every path, so that nobody has to sign in; the home page alone is /{$}")
	}
	return set, err
}

// CheckPictureURL returns nil if address can be [Site.FollowQRURL], and otherwise
// what is expected: an absolute http or https URL, which may have a query, or a
// path of the site.
func CheckPictureURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil, strings.ContainsAny(address, "\\\"'<> ;,"), u.Fragment != "",
		strings.ContainsFunc(address, func(c rune) bool { return c <= ' ' || c > '~' }):
	case u.User != nil:
		return errors.New("expected a URL without user name and password")
	case u.Scheme == "" && u.Host == "" && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//"),
		(u.Scheme == "https" || u.Scheme == "http") && origin.IsHostname(strings.ToLower(u.Hostname())):
		return nil
	}
	return errors.New("expected an address such as https://h5.example.com/qr.png, " +
		"or a path of the site such as /static/qr.png")
}
