package browser_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const publicURL = "https://h5.example.com"

// returnOrigins are the origins that a login may return to.
var returnOrigins = []string{publicURL, "https://m.example.com", "https://dev.example.com:8443"}

// testKeys are the keys of every gateway.
func testKeys() session.Keys { return session.Keys{[]byte("32 random bytes, made once for all")} }

// newGateway returns a gateway whose account is one of the emulator.
func newGateway(t testing.TB, wx *wechattest.Emulator) *gateway.Gateway {
	t.Helper()
	account := &wechat.Client{
		AppID:     wechattest.StockAppID,
		AppSecret: wechattest.StockAppSecret,
		Transport: wx.Transport(),
	}
	g, err := gateway.New(gateway.Config{Sites: []gateway.Site{{
		PublicURL:   publicURL,
		ReturnHosts: []string{"M.example.com", "dev.example.com:8443"},
		Account:     account,
		Tickets:     &wechat.TicketSource{Tokens: &wechat.TokenSource{Client: account}},
		CookieKeys:  testKeys(),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// A network answers requests to the public URL by a gateway and all others by
// WeChat's emulator, without sockets.
type network struct {
	gateway http.Handler
	wechat  http.RoundTripper
}

func newNetwork(t testing.TB) *network {
	t.Helper()
	account := wechattest.StockAccount()
	account.CallbackDomains = []string{"h5.example.com"}
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{account}})
	if err != nil {
		t.Fatal(err)
	}
	return &network{gateway: newGateway(t, wx), wechat: wx.Transport()}
}

// RoundTrip implements [http.RoundTripper].
func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme+"://"+r.URL.Host != publicURL {
		return n.wechat.RoundTrip(r)
	}
	in := httptest.NewRequest(r.Method, r.URL.String(), nil)
	in.Header = r.Header
	w := httptest.NewRecorder()
	n.gateway.ServeHTTP(w, in)
	return w.Result(), nil
}

// signIn goes through a login with that return_to and returns the address that
// the callback redirects to, as it is in the header.
func (n *network) signIn(t *testing.T, returnTo string) string {
	t.Helper()
	visitor := &wechattest.Browser{Transport: n}
	authorize := redirect(t, visitor, publicURL+"/_wx/login?return_to="+url.QueryEscape(returnTo))
	return redirect(t, visitor, redirect(t, visitor, authorize))
}

// redirect opens an address and returns the Location header of the answer.
func redirect(t *testing.T, visitor *wechattest.Browser, address string) string {
	t.Helper()
	res := open(t, visitor, address)
	if res.StatusCode != http.StatusFound {
		t.Fatalf("GET %s = %d, want 302", address, res.StatusCode)
	}
	return res.Header.Get("Location")
}

func open(t *testing.T, visitor *wechattest.Browser, address string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := visitor.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}
