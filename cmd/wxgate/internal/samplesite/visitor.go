package samplesite

import (
	"net/http"
	"net/url"
	"strings"
)

// shownHeaders are the headers that a page shows. Not every X-WX-… header is
// among them: an access token or an assertion must not reach a browser.
var shownHeaders = [...]string{
	"X-WX-OpenID", "X-WX-AppID", "X-WX-Source", "X-WX-Scope", "X-WX-UnionID",
	"X-WX-Nickname", "X-WX-Avatar", "X-WX-Subscribed", "X-WX-Snapshot-User",
	"X-Request-ID", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

// visitor is the visitor of a request, by the gateway's headers.
type visitor struct {
	OpenID       string            `json:"openid,omitzero"` // empty: not signed in
	Nickname     string            `json:"nickname,omitzero"`
	Avatar       string            `json:"avatar,omitzero"`
	SnapshotUser bool              `json:"snapshot_user,omitzero"`
	Headers      map[string]string `json:"headers"` // as received
}

func visitorOf(r *http.Request) visitor {
	v := visitor{
		OpenID:       r.Header.Get("X-WX-OpenID"),
		Nickname:     nickname(r.Header.Get("X-WX-Nickname")),
		Avatar:       r.Header.Get("X-WX-Avatar"),
		SnapshotUser: r.Header.Get("X-WX-Snapshot-User") == "true",
		Headers:      make(map[string]string),
	}
	for _, name := range shownHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			v.Headers[name] = strings.Join(values, ", ")
		}
	}
	return v
}

// Granted reports whether the visitor has shared nickname and picture.
func (v visitor) Granted() bool {
	return v.Nickname != "" || v.Headers["X-WX-Scope"] == "snsapi_userinfo"
}

// nickname decodes a header of percent-encoded UTF-8. It returns a value that is
// not encoded as it is.
func nickname(encoded string) string {
	name, err := url.PathUnescape(encoded)
	if err != nil {
		name = encoded
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}
