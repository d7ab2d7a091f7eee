package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"testing"
)

// testBehindTLS signs a visitor in where TLS ends before the proxy, which then says
// http about everybody.
func testBehindTLS(t *testing.T, wxgate string, run runProxy) {
	var address string // of the proxy
	outer := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", address
		r.Out.Host = r.In.Host
	}})
	defer outer.Close()
	f := newFront(t, wxgate, run, "WXGATE_PUBLIC_URL="+outer.URL)
	address = f.address

	v := newVisitor(t)
	v.client.Transport = outer.Client().Transport
	first := v.get(t, f.origin+"/orders?from=menu", pageLoad)
	page := outer.URL + "/orders?from=menu"
	if location := first.Header.Get("Location"); first.StatusCode != 302 || location != page {
		t.Errorf("page load by plain http = %d to %q, want 302 to %q", first.StatusCode, location, page)
	}
	var hops []string
	v.client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		hops = append(hops, r.URL.Path)
		if len(via) > 6 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	got := v.get(t, page, pageLoad)
	if got.Request.URL.String() != page || f.reached(t, got).Header.Get("X-Wx-Openid") == "" {
		t.Errorf("after %q at %s, want the page, signed in", hops, got.Request.URL)
	}
}
