package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// failingStore is a session store that fails while an error is set.
type failingStore struct {
	session.Store
	load, write error
}

func (s *failingStore) Load(r *http.Request) (*session.Session, error) {
	if s.load != nil {
		return nil, s.load
	}
	return s.Store.Load(r)
}

func (s *failingStore) Save(r *http.Request, h http.Header, v *session.Session) error {
	if s.write != nil {
		return s.write
	}
	return s.Store.Save(r, h, v)
}

func (s *failingStore) Renew(r *http.Request, h http.Header, v *session.Session) error {
	if s.write != nil {
		return s.write
	}
	return s.Store.Renew(r, h, v)
}

func (s *failingStore) Delete(r *http.Request, h http.Header) error {
	if s.write != nil {
		return s.write
	}
	return s.Store.Delete(r, h)
}

// storeSite is a site in memory whose session store can fail. It is the transport
// of browsers to the site and to WeChat.
type storeSite struct {
	t        *testing.T
	store    *failingStore
	wx       *wechattest.Emulator
	handler  http.Handler
	log      bytes.Buffer
	registry *prometheus.Registry
}

// storeSiteURL is the public URL of a storeSite.
const storeSiteURL = "https://h5.example.com"

// newStoreSite makes a site of the stock account.
func newStoreSite(t *testing.T) *storeSite {
	t.Helper()
	account := wechattest.StockAccount()
	account.CallbackDomains = []string{"h5.example.com"}
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{account}})
	if err != nil {
		t.Fatal(err)
	}
	s := &storeSite{t: t, wx: wx, registry: prometheus.NewRegistry()}
	g, err := New(Config{Metrics: s.registry, Logger: zerolog.New(&s.log), Sites: []Site{{
		PublicURL: storeSiteURL,
		Account: &wechat.Client{
			AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret,
			Transport: wx.Transport(),
		},
		CookieKeys: session.Keys{[]byte("32 random bytes, made once for all")},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	site := g.hosts.only.site
	s.store = &failingStore{Store: site.sessions}
	site.sessions = s.store
	s.handler = g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := IdentityFrom(r.Context())
		w.Header().Set("Reached", id.OpenID)
	}))
	return s
}

// RoundTrip implements [http.RoundTripper].
func (s *storeSite) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "h5.example.com" {
		return s.wx.Transport().RoundTrip(r)
	}
	in := r.Clone(r.Context())
	in.RequestURI, in.Host, in.RemoteAddr = r.URL.RequestURI(), r.URL.Host, "192.0.2.1:4711"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, in)
	return w.Result(), nil
}

// browser is a new browser without cookies.
func (s *storeSite) browser() *wechattest.Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &wechattest.Browser{Transport: s, Jar: jar}
}

// open loads a page and follows redirects to the last one.
func (s *storeSite) open(b *wechattest.Browser, address string) *wechattest.Page {
	s.t.Helper()
	page, err := b.Open(s.t.Context(), address)
	if err != nil {
		s.t.Fatal(err)
	}
	return page
}

// send sends a request and follows no redirect.
func (s *storeSite) send(b *wechattest.Browser, method, address string, header ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, storeSiteURL+address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := b.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

// wantErrors checks how many errors of the store were counted.
func (s *storeSite) wantErrors(want float64, when string) {
	s.t.Helper()
	families, err := s.registry.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "wxgate_session_store_errors_total" {
			if got := family.GetMetric()[0].GetCounter().GetValue(); got != want {
				s.t.Errorf("%s: %v errors of the store counted, want %v", when, got, want)
			}
			return
		}
	}
	s.t.Error("errors of the store are not counted")
}

// A login whose session cannot be saved ends with a page. The same callback
// finishes it once the store is back, without a second exchange.
func TestSaveFails(t *testing.T) {
	t.Parallel()
	s := newStoreSite(t)
	b := s.browser()
	start := s.send(b, "GET", "/shop?a", "Accept", "text/html")
	s.store.write = errors.New("store down")
	page := s.open(b, start.Header.Get("Location"))
	if page.Status != http.StatusServiceUnavailable || page.URL.Path != "/_wx/callback" || page.Header.Get("Retry-After") != "5" {
		t.Fatalf("the login ends with %d at %s, Retry-After %q, want 503 at the callback and 5", page.Status, page.URL.Path, page.Header.Get("Retry-After"))
	}
	if want := `href="` + storeSiteURL + `/_wx/login?return_to=%2Fshop%3Fa"`; !strings.Contains(page.Body, want) {
		t.Errorf("the page has no button with %s:\n%s", want, page.Body)
	}
	if cookies := page.Header["Set-Cookie"]; len(cookies) > 0 {
		t.Errorf("Set-Cookie = %q, want none", cookies)
	}
	s.wantErrors(1, "after saving")
	res := s.send(b, "GET", page.URL.RequestURI(), "Accept", "application/json", "Sec-Fetch-Mode", "cors")
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(got, "text/html") {
		t.Errorf("callback by a script: %d %s, want the page", res.StatusCode, got)
	}
	if text := s.log.String(); !strings.Contains(text, "store down") {
		t.Errorf("log %s, want the error of the store", text)
	}

	s.store.write = nil
	if page := s.open(b, page.URL.String()); page.Status != http.StatusOK || page.URL.Path != "/shop" || page.Header.Get("Reached") == "" {
		t.Errorf("with the store back: %d at %s, want the site", page.Status, page.URL.Path)
	}
	if got := s.wx.Calls("/sns/oauth2/access_token"); got != 1 {
		t.Errorf("%d exchanges, want 1", got)
	}
}

// A sign-out that the store does not carry out is not answered as one.
func TestDeleteFails(t *testing.T) {
	t.Parallel()
	s := newStoreSite(t)
	b := s.browser()
	s.open(b, storeSiteURL+"/")
	s.store.write = errors.New("store down")
	res := s.send(b, "POST", "/_wx/logout")
	if res.StatusCode != http.StatusServiceUnavailable || len(res.Header["Set-Cookie"]) > 0 || res.Header.Get("Location") != "" {
		t.Errorf("POST /logout = %d %v, want 503 without a cookie", res.StatusCode, res.Header)
	}
	s.wantErrors(1, "after deleting")
}

// A session that cannot be saved again goes on unrenewed.
func TestRenewalFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newStoreSite(t)
		b := s.browser()
		s.open(b, storeSiteURL+"/")
		time.Sleep(13 * time.Hour)
		s.store.write = errors.New("store down")
		for i, address := range []string{"/shop", "/_wx/me"} {
			res := s.send(b, "GET", address)
			if res.StatusCode != http.StatusOK || len(res.Header["Set-Cookie"]) > 0 {
				t.Errorf("GET %s = %d %v, want 200 without a cookie", address, res.StatusCode, res.Header)
			}
			s.wantErrors(float64(i+1), "after "+address)
		}
		if text := s.log.String(); strings.Count(text, "session renewal failed") != 1 || !strings.Contains(text, `"level":"warn","error":"store down","request_id":"`) {
			t.Errorf("log %s, want one warning a minute with the error", text)
		}
	})
}

// A session that cannot be loaded is counted and logged at each request.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	s := newStoreSite(t)
	b := s.browser()
	s.open(b, storeSiteURL+"/")
	s.store.load = errors.New("store down")
	if res := s.send(b, "GET", "/shop", "Accept", "text/html"); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "5" {
		t.Errorf("GET /shop = %d, Retry-After %q, want 503 and 5", res.StatusCode, res.Header.Get("Retry-After"))
	}
	s.wantErrors(1, "after one request")
	if text := s.log.String(); strings.Count(text, "store down") != 1 || !strings.Contains(text, `"level":"warn"`) {
		t.Errorf("log %s, want one warning with the error", text)
	}
}

// A form that is sent while the store is away, to the site or to sign out, is
// answered with a page that leads back to where the form was.
func TestFormWhileTheStoreIsAway(t *testing.T) {
	t.Parallel()
	s := newStoreSite(t)
	b := s.browser()
	s.open(b, storeSiteURL+"/")
	s.store.load, s.store.write = errors.New("store down"), errors.New("store down")
	for _, target := range []string{"/orders", "/_wx/logout"} {
		res := s.send(b, "POST", target, "Sec-Fetch-Mode", "navigate", "Referer", storeSiteURL+"/cart")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if want := `href="` + storeSiteURL + `/cart"`; res.StatusCode != 503 || !strings.Contains(string(body), want) {
			t.Errorf("POST %s = %d %s, want a 503 page with %s", target, res.StatusCode, body, want)
		}
		res = s.send(b, "POST", target, "Sec-Fetch-Mode", "cors", "Referer", storeSiteURL+"/cart")
		if got := res.Header.Get("Content-Type"); res.StatusCode != 503 || !strings.HasPrefix(got, "application/json") {
			t.Errorf("POST %s by a script = %d %s, want 503 in JSON", target, res.StatusCode, got)
		}
	}
}

// A page that posts the code of a finished login gets the store's error, not the
// advice to sign in again.
func TestPageSessionLoadFails(t *testing.T) {
	t.Parallel()
	s := newStoreSite(t)
	b := s.browser()
	page := s.open(b, storeSiteURL+"/")
	callback := page.Hops[len(page.Hops)-2].URL
	s.store.load = errors.New("store down")
	r, err := http.NewRequestWithContext(t.Context(), "POST", storeSiteURL+"/_wx/session", strings.NewReader(callback.RawQuery))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusServiceUnavailable || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		t.Errorf("POST /session = %d %s, want 503 and JSON", res.StatusCode, res.Header.Get("Content-Type"))
	}
}
