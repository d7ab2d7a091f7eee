package gateway_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	appSecret  = "app+secret/marker &%\"<0123456789"
	freshToken = "fresh-token-marker-0123456789" // in answers, but in no request
)

// In all flows, the openid appears only in requests to the upstream and in /me, a
// cookie only in Set-Cookie, and other secrets nowhere.
func TestSecretsAreNotDisclosed(t *testing.T) {
	t.Parallel()
	key, oldKey := []byte("cookie-key-marker-of-32-bytes-at-least"), []byte("former-cookie-key-marker-of-32-bytes")
	wire := &secretWire{network: newTransport(t), secrets: make(map[string]string)}
	spans, tracer := newSpans(t)
	s := newLoginSite(t, func(c *testConfig) {
		c.Tracer = tracer
		c.Account.AppSecret, c.Account.Transport, c.Account.Timeout = appSecret, wire, 2*time.Second
		c.CookieKeys = session.Keys{key, oldKey}
		c.LoginRate = gateway.Rate{Count: 500, Per: time.Hour}
		withTickets(c)
	})
	account := wechattest.StockAccount()
	account.Secret = appSecret
	if err := s.wx.SetAccount(account); err != nil {
		t.Fatal(err)
	}
	secretFlows(t, s, wire)

	wire.mu.Lock()
	secrets := maps.Clone(wire.secrets)
	wire.mu.Unlock()
	for _, kind := range []string{"code", "access_token", "refresh_token", "openid", "unionid", "ticket"} {
		if !slices.Contains(slices.Collect(maps.Values(secrets)), kind) {
			t.Fatalf("no %s was sent between gateway and WeChat: the test checks nothing", kind)
		}
	}
	secrets[appSecret], secrets[freshToken] = "AppSecret", "access_token"
	secrets[string(key)], secrets[string(oldKey)] = "cookie key", "cookie key"
	var metrics strings.Builder
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		fmt.Fprintln(&metrics, family)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	statuses := make(map[int]bool)
	for _, a := range s.answers {
		statuses[a.status] = true
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			if c.Value != "" {
				secrets[c.Value] = "cookie"
			}
		}
		if state := queryOf(t, a.header.Get("Location")).Get("state"); state != "" {
			secrets[state] = "state"
		}
	}
	for _, status := range []int{200, 302, 303, 400, 401, 403, 429, 502, 503} {
		if !statuses[status] {
			t.Errorf("no answer had status %d: a flow is missing", status)
		}
	}

	search := newSecretSearch(secrets)
	for line := range strings.Lines(s.log.String()) {
		search.in(t, "log line", line)
	}
	for line := range strings.Lines(metrics.String()) {
		search.in(t, "metric", line)
	}
	if len(spans) < len(s.answers) {
		t.Errorf("%d spans of %d requests", len(spans), len(s.answers))
	}
	for len(spans) > 0 {
		span := <-spans
		checkAttributes(t, span)
		search.in(t, "span", span.Name()+" "+span.Status().Description+" "+attributesOf(span))
	}
	for _, a := range s.answers {
		where := fmt.Sprintf("answer %d of %s", a.status, a.path)
		switch {
		case a.fromUpstream(): // it repeats the request
			search.in(t, "request of the upstream", string(a.body), "openid", "unionid")
		case (a.path == "/_wx/me" || a.path == "/_wx/session") && a.status == 200:
			search.in(t, where, string(a.body), "openid", "unionid")
		default:
			search.in(t, where, string(a.body))
		}
		for name, values := range a.header {
			var allowed []string
			switch {
			case name == "Set-Cookie":
				allowed = []string{"cookie"}
			case name == "Location" && strings.HasPrefix(values[0], s.weChatURL):
				allowed = []string{"state"}
			}
			search.in(t, where+", header "+name, strings.Join(values, "\n"), allowed...)
		}
	}
}

// secretFlows runs all kinds of logins, successful or not.
func secretFlows(t *testing.T, s *loginSite, wire *secretWire) {
	t.Helper()
	b := s.browser()
	s.get(b, "/_wx/me")
	s.signIn(b)
	b.Visitor = "xiaomei"
	s.open(b, "/_wx/login?scope=snsapi_userinfo&return_to=/a%3Fb")
	s.get(b, "/_wx/me")
	s.get(b, "/_wx/logout")
	s.do(b, http.MethodPost, "/_wx/logout", nil, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })
	s.do(b, http.MethodPost, "/_wx/logout", nil)

	snapshot := s.browser()
	snapshot.Visitor = "snapshot"
	s.signIn(snapshot)
	crowd := s.browser()
	crowd.Quirks = wechattest.Quirks{Double: true, CrawlBefore: true, CrawlAfter: true}
	s.open(crowd, "/")
	if _, err := crowd.Back(t.Context()); err != nil {
		t.Fatal(err)
	}

	// Logins that a page drives, with repeated codes, and a signature.
	page := s.browser()
	code, state := s.pageCode(page, "/guest")
	s.postCode(page, code, state+"x")
	s.postCode(page, code, state, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })
	s.post(page, "application/json", `{"code":"`+code+`","state":`+state)
	s.post(page, "text/plain", code+state)
	for range 2 {
		s.postCode(page, code, state)
	}
	s.signed(page, s.url+"/guest")
	for _, fault := range []wechattest.Fault{
		{Mode: wechattest.FaultErrcode, Code: 40029, Message: "refused: " + appSecret},
		{Mode: wechattest.FaultErrcode, Code: 40125, Message: "refused: " + appSecret},
		{Mode: wechattest.FaultResetAfter},
	} {
		code, state := s.pageCode(page, "/guest")
		fault.Path = exchangePath
		s.wx.Fault(fault)
		s.postCode(page, code, state)
		s.wx.ClearFaults()
	}

	// Callbacks that are refused.
	for _, edit := range []func(url.Values){
		func(q url.Values) { q.Del("state") },
		func(q url.Values) { q.Del("code") },
		func(q url.Values) { q.Add("code", "x") },
		func(q url.Values) { q.Set("state", q.Get("state")+"x") },
	} {
		b := s.browser()
		callback := withQuery(t, s.callbackAddress(b, "/"), edit)
		s.get(b, callback)
		s.get(s.browser(), callback)
		s.get(b, callback, asScript)
		s.do(b, http.MethodPost, callback, nil)
		s.get(b, strings.Replace(callback, "/callback?", "/callbacks?", 1))
	}

	// Faults at each of the two calls, whose messages repeat the call's values.
	faults := []wechattest.Fault{}
	for _, away := range awayFaults {
		faults = append(faults, away.fault)
	}
	for _, code := range []int{-1, 40001, 40003, 40013, 40029, 40125, 40163, 40164, 40243, 48001, 50002, 99999} {
		faults = append(faults, wechattest.Fault{Mode: wechattest.FaultErrcode, Code: code})
	}
	for _, path := range []string{exchangePath, userInfoPath} {
		for _, fault := range faults {
			b := s.browser()
			callback := s.callbackAddress(b, "/_wx/login?scope=snsapi_userinfo")
			fault.Path = path
			if fault.Mode == wechattest.FaultErrcode {
				fault.Message = "refused: " + appSecret
			}
			s.wx.Fault(fault)
			s.open(b, callback)
			s.get(b, callback)
			s.wx.ClearFaults()
		}
		for _, hostile := range secretHostile {
			b := s.browser()
			callback := s.callbackAddress(b, "/_wx/login?scope=snsapi_userinfo")
			wire.set(path, hostile)
			s.get(b, callback)
			wire.set("", nil)
		}
	}

	// Denied snapshots, and too many logins.
	c := s.config()
	c.DenySnapshotUsers = true
	s.use(s.replica(c))
	s.open(snapshot, "/")
	c = s.config()
	c.LoginRate = gateway.Rate{Count: 1, Per: time.Hour}
	s.use(s.replica(c))
	callback := s.callbackAddress(s.browser(), "/")
	s.get(s.browser(), callback)
	s.get(s.browser(), callback, asScript)
}

// secretHostile are answers that repeat the request.
var secretHostile = []func(*http.Request) (*http.Response, error){
	func(r *http.Request) (*http.Response, error) { return nil, errors.New("cannot get " + r.URL.String()) },
	func(r *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: fmt.Errorf("no route for %q", r.URL.RawQuery)}
	},
	func(*http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("malformed HTTP response %q", `{"access_token":"`+freshToken+`"}`)
	},
	func(*http.Request) (*http.Response, error) {
		return secretAnswer(`{"access_token":"` + freshToken + `","expires_in":"` + freshToken + `","openid":"` + freshToken + `"}`)
	},
	func(r *http.Request) (*http.Response, error) { return secretAnswer("you asked for " + r.URL.String()) },
	func(r *http.Request) (*http.Response, error) {
		text, err := json.Marshal(r.URL.String())
		if err != nil {
			return nil, err
		}
		return secretAnswer(`{"errcode":` + string(text) + `}`)
	},
	func(r *http.Request) (*http.Response, error) {
		text, err := json.Marshal("at " + r.URL.RawQuery + ", " + strings.Join(secretValues(r), " "))
		if err != nil {
			return nil, err
		}
		return secretAnswer(`{"errcode":40125,"errmsg":` + string(text) + `}`)
	},
	func(r *http.Request) (*http.Response, error) {
		return secretAnswer(`{"access_token":"odd token marker 1234","openid":"odd openid marker 1234","unionid":"` + r.URL.Query().Get("code") + ` x"}`)
	},
}

func secretAnswer(body string) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

// secretValues are the values of a request's query.
func secretValues(r *http.Request) []string {
	return slices.Concat(slices.Collect(maps.Values(r.URL.Query()))...)
}

// secretWire is a transport to WeChat that collects the secrets it carries, by
// kind, and may answer one path itself.
type secretWire struct {
	network http.RoundTripper

	mu      sync.Mutex
	secrets map[string]string // value → kind
	path    string
	answer  func(*http.Request) (*http.Response, error)
}

func (w *secretWire) set(path string, answer func(*http.Request) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.path, w.answer = path, answer
}

func (w *secretWire) add(kind, value string) {
	if len(value) >= 16 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.secrets[value] = kind
	}
}

var secretFields = regexp.MustCompile(`"(access_token|refresh_token|openid|unionid|ticket)":"([^"]*)"`)

func (w *secretWire) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	w.add("code", query.Get("code"))
	w.mu.Lock()
	path, answer := w.path, w.answer
	w.mu.Unlock()
	if path == r.URL.Path && answer != nil {
		return answer(r)
	}
	res, err := w.network.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, readErr := io.ReadAll(res.Body)
	res.Body.Close()
	if len(body) < 1<<20 { // a larger one is the fault of 10 MiB
		for _, found := range secretFields.FindAllSubmatch(body, -1) {
			w.add(string(found[1]), string(found[2]))
		}
	}
	res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), secretError{readErr}))
	return res, nil
}

// secretError ends a body with the error with which it was read.
type secretError struct{ err error }

func (e secretError) Read([]byte) (int, error) {
	if e.err == nil {
		return 0, io.EOF
	}
	return 0, e.err
}
