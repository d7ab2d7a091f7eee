package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/gateway/pathset"
)

func newPolicy(public, api []string, outside OutsideWeChat) (p policy, err error) {
	if p.public, err = pathset.New(public); err != nil {
		return p, fmt.Errorf("PublicPaths: %w", err)
	}
	if p.api, err = pathset.New(api); err != nil {
		return p, fmt.Errorf("APIPaths: %w", err)
	}
	p.outside = cmp.Or(outside, OutsideRedirect)
	switch p.outside {
	case OutsideRedirect, OutsidePage, OutsideQRConnect, OutsideDeny:
		return p, nil
	default:
		return p, fmt.Errorf("OutsideWeChat: unknown value %q", outside)
	}
}

// rawPath returns the path of r as the client sent it, byte for byte. A path
// that another handler has changed on the way here is returned as it is now:
// what is decided on must be what the site will see.
func rawPath(r *http.Request) string {
	sent, _, _ := strings.Cut(requestTarget(r), "?")
	if decoded, err := url.PathUnescape(sent); err != nil || decoded != r.URL.Path {
		return r.URL.EscapedPath()
	}
	return sent
}

// requestTarget returns path and query of r byte for byte as the client sent
// them, or "" where the target had another form than these two.
func requestTarget(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return ""
}
