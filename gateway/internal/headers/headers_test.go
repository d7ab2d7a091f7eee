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

func TestNamesTarget(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Original-Url": true, "x-original-url": true, "X_Original_URL": true, "X-Original-Uri": true, "X-Original-Method": true,
		"X-Original-Host": true, "X-Rewrite-Url": true, "X.Rewrite.Url": true, "X-Forwarded-Uri": true, "X-Forwarded-Method": true,
		"X-Forwarded-For": false, "X-Forwarded-Host": false, "X-Forwarded-Prefix": false, "X-Original": false, "X-Rewrite": false, "": false,
	} {
		if got := headers.NamesTarget(name); got != want {
			t.Errorf("NamesTarget(%q) = %t, want %t", name, got, want)
		}
	}
}

func TestIsDisguised(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Transfer_Encoding": true, "transfer_encoding": true, "TRANSFER.ENCODING": true, "Transfer~Encoding": true,
		"Content_Length": true, "content.length": true, "Content!Length": true, "Content_length": true,
		"Cookie_": true, "_Cookie": true, "Cookie-": true, "-Cookie-": true, "Host.": true, "_host": true, "Connection_": true,
		"Keep_Alive": true, "Proxy_Connection": true, "Upgrade_": true, "-Te": true, "Trailer!": true, "|Expect|": true,
		"_Transfer_Encoding_": true, "-Content-Length": true,
		"Transfer-Encoding": false, "Content-Length": false, "Cookie": false, "COOKIE": false, "host": false,
		"TransferEncoding": false, "Content__Length": false, "Cookie2": false, "Set_Cookie": false, "X_Content_Length": false,
		"Content_Type": false, "Connectio_n": false, "_": false, "": false, "---": false,
	} {
		if got := headers.IsDisguised(name); got != want {
			t.Errorf("IsDisguised(%q) = %t, want %t", name, got, want)
		}
	}
}

func TestIsToken(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"GET": true, "get": true, "M-SEARCH": true, "BREW_2": true, "!#$%&'*+-.^_`|~": true, "0": true,
		"": false, "GET ": false, "G ET": false, "G\tT": false, "G\x00": false, "GET\r\n": false, "G(T": false, "GET:": false,
		"GÉT": false, "\xff": false, "G/T": false, `"GET"`: false, "{}": false, "@": false, "GET\x7f": false,
	} {
		if got := headers.IsToken(text); got != want {
			t.Errorf("IsToken(%q) = %t, want %t", text, got, want)
		}
	}
}
