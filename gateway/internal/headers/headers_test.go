package headers_test

import (
	"net/http"
	"testing"

	"github.com/wxgate/wxgate/gateway/internal/headers"
)

func TestIsIdentity(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Wx-Openid": true, "x-wx-openid": true, "X_WX_OpenID": true, "X.Wx.Openid": true,
		"x~wX!new": true, "X-WX-": true,
		"X-Wx": false, "X-Wxopenid": false, "XX-Wx-Openid": false, "X-W\u212a-Openid": false,
		"": false, "Accept": false,
	} {
		if got := headers.IsIdentity(name); got != want {
			t.Errorf("IsIdentity(%q) = %t, want %t", name, got, want)
		}
	}
	for _, name := range headers.Identity() {
		if !headers.IsIdentity(name) || http.CanonicalHeaderKey(name) != name {
			t.Errorf("%q is not the canonical name of an identity header", name)
		}
	}
}

func TestIsRegular(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Forwarded-For": true, "x1": true, "X_Forwarded_For": false, "X.Forwarded": false,
	} {
		if got := headers.IsRegular(name); got != want {
			t.Errorf("IsRegular(%q) = %t, want %t", name, got, want)
		}
	}
}
