package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A lab is a relay between a client and WeChat. The token comes from an emulator.
type lab struct {
	t        *testing.T
	wx       *wechattest.Server
	relay    *relay.Relay
	url      string // of the relay
	log      *safeBuffer
	registry *prometheus.Registry
}

// safeBuffer is a buffer for concurrent use.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newLab returns a lab in which the relay forwards to api, or to the emulator if api
// is nil.
func newLab(t *testing.T, api http.HandlerFunc, paths ...string) *lab {
	t.Helper()
	l := &lab{t: t, wx: wechattest.NewServer(), log: new(safeBuffer), registry: prometheus.NewRegistry()}
	t.Cleanup(l.wx.Close)
	to := l.wx.URL
	if api != nil {
		s := httptest.NewServer(api)
		t.Cleanup(s.Close)
		to = s.URL
	}
	client := &wechat.Client{
		AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, APIURL: l.wx.URL, Timeout: 5 * time.Second,
	}
	var err error
	l.relay, err = relay.New(relay.Config{
		Tokens: &wechat.TokenSource{Client: client}, Paths: paths, APIURL: to, Timeout: 5 * time.Second,
		Logger: zerolog.New(l.log), AccessLog: true, Metrics: l.registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(l.relay)
	t.Cleanup(s.Close)
	l.url = s.URL
	return l
}

type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request through the relay. Neither the response nor the log may contain
// the token.
func (l *lab) do(method, target string, body io.Reader, header ...string) reply {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, l.url+target, body)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	got := reply{res.StatusCode, res.Header, string(text)}
	shown := fmt.Sprint(got) + l.log.String()
	for _, secret := range []string{l.token(), wechattest.StockAppSecret, "planted"} {
		if strings.Contains(shown, secret) {
			l.t.Errorf("%s %s: the response or the log contains %q: %s", method, target, secret, shown)
		}
	}
	return got
}

// token returns the account's current token, or a prefix that no text contains.
func (l *lab) token() string {
	for _, r := range slices.Backward(l.wx.Requests()) {
		if token := r.Query.Get("access_token"); strings.HasPrefix(token, "98_") {
			return token
		}
	}
	return "98_"
}

func TestRelayForwards(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil, "GET /cgi-bin/user/info", "POST /cgi-bin/user/info/batchget")
	openID := l.wx.OpenID(wechattest.StockAppID, wechattest.StockVisitors()[0].ID)
	got := l.do("GET", "/cgi-bin/user/info?openid="+openID, nil)
	if got.status != 200 || !strings.Contains(got.body, openID) ||
		got.header.Get("Content-Type") != "application/json; encoding=utf-8" {
		t.Errorf("user/info = %v, want WeChat's own response", got)
	}
	list := strings.NewReader(`{"user_list":[{"openid":"` + openID + `"}]}`)
	got = l.do("POST", "/cgi-bin/user/info/batchget?access_token=mine", list, "Content-Type: application/json")
	if got.status != 200 || !strings.Contains(got.body, openID) {
		t.Errorf("batchget = %v, want WeChat's own response", got)
	}
	if n := l.wx.Calls("/cgi-bin/stable_token"); n != 1 {
		t.Errorf("the token is fetched %d times, want once", n)
	}
	got = l.do("GET", "/cgi-bin/user/info?openid=nobody", nil)
	if got.status != 200 || !strings.Contains(got.body, `"errcode":40003`) {
		t.Errorf("user/info of nobody = %v, want WeChat's error unchanged", got)
	}
}

func TestRelayRefuses(t *testing.T) {
	t.Parallel()
	const send = "/cgi-bin/message/template/send"
	l := newLab(t, nil,
		"POST "+send, "/cgi-bin/tags/", "GET /cgi-bin/user/{what}", "/cgi-bin/token", "/cgi-bin/stable_token")
	for _, test := range []struct{ method, target string }{ // the target is sent as it is here
		{"GET", "/"}, {"GET", send}, {"PUT", send}, {"POST", send + "/"}, {"POST", send + "%2f"},
		{"POST", "/cgi-bin/message//template/send"}, {"POST", "/cgi-bin/tags/../menu/delete"},
		{"POST", "/cgi-bin/tags/%2e%2e/menu/delete"}, {"POST", "/cgi-bin/tags/..%2fmenu/delete"},
		{"POST", "/cgi-bin/tags/..;/menu/delete"}, {"POST", "//cgi-bin/tags/get"}, {"POST", "/cgi-bin/tags/%00"},
		{"POST", `/cgi-bin/tags/..\menu`}, {"POST", "/CGI-BIN/tags/get"}, {"GET", "/sns/userinfo"},
		{"GET", "/cgi-bin/token?grant_type=client_credential"}, {"POST", "/cgi-bin/stable_token"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, l.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		path, query, _ := strings.Cut(test.target, "?")
		r.URL = &url.URL{Scheme: "http", Host: r.URL.Host, Opaque: "//" + r.URL.Host + path, RawQuery: query}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Error     string `json:"error"`
			Message   string `json:"message"`
			RequestID string `json:"request_id"`
		}
		err = json.NewDecoder(res.Body).Decode(&body)
		res.Body.Close()
		complete := body.Error == "not_allowed" && body.RequestID != "" && body.Message != ""
		if res.StatusCode != 403 || err != nil || !complete {
			t.Errorf("%s %s = %d %v, %v, want 403 not_allowed", test.method, test.target, res.StatusCode, body, err)
		}
	}
	if got := l.wx.Requests(); len(got) != 0 {
		t.Errorf("calls of WeChat: %v, want none", got)
	}
}

// Requests that net/http's server of HTTP/1 does not hand to a handler in this form.
func TestRelayRefusesForms(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil, "/cgi-bin/tags/")
	for _, test := range []struct{ method, requestURI string }{
		{"CONNECT", "/cgi-bin/tags/get"}, {"GET", "/cgi-bin/tags/get HTTP/1.1"}, {"GET", "/cgi-bin/tags/get?a b"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/cgi-bin/tags/get", nil)
		r.RequestURI, r.Host = test.requestURI, "relay"
		w := httptest.NewRecorder()
		l.relay.ServeHTTP(w, r)
		if w.Code != 403 {
			t.Errorf("%s %s = %d, want 403", test.method, test.requestURI, w.Code)
		}
	}
	if got := l.wx.Requests(); len(got) != 0 {
		t.Errorf("calls of WeChat: %v, want none", got)
	}
}

// WeChat gets the token once, instead of any that the client sent, and the rest of
// the query unchanged.
func TestRelayReplacesTheToken(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var received string
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		received = r.URL.RawQuery
	}, "/x")
	for _, test := range []struct{ query, rest string }{
		{"", ""},
		{"a=1&b=%E5%BA%97+x&c", "a=1&b=%E5%BA%97+x&c"},
		{"access_token=mine", ""},
		{"access_token", ""},
		{"a=1&access_token=mine&b=2&access_token=other", "a=1&b=2"},
		{"ACCESS_TOKEN=mine&Access_Token=x", ""},
		{"%61ccess%5Ftoken=mine&a=1", "a=1"},
		{"+access_token+=mine", ""}, {"%00access_token=mine", ""}, {"access_token%00=mine", ""},
		{"access.token=mine&access+token=mine&access_token[]=mine&access_token%5B0%5D=mine", ""},
		{"a=1;access_token=mine&b=2", "b=2"},
		{"a=1;b=2", "a=1;b=2"},
		{"a=%zz&access_token=mine", "a=%zz"},
		{"my_access_token=1&access_tokens=2&token=3", "my_access_token=1&access_tokens=2&token=3"},
	} {
		l.do("GET", "/x?"+test.query, nil)
		mu.Lock()
		token, rest, _ := strings.Cut(received, "&")
		mu.Unlock()
		if !strings.HasPrefix(token, "access_token=98_") || rest != test.rest {
			t.Errorf("query %q becomes %q and %q, want the account's token and %q", test.query, token, rest, test.rest)
		}
	}
}

func TestRelayHeaders(t *testing.T) {
	t.Parallel()
	var seen http.Header
	var host string
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		seen, host = r.Header, r.Host
		w.Header().Set("Location", "https://mp.example/?"+r.URL.RawQuery)
		w.Header().Set("X-Kept", "1")
		w.WriteHeader(http.StatusFound)
	}, "/x")
	got := l.do("POST", "/x", strings.NewReader("body"),
		"Cookie: planted", "Authorization: planted", "X-WX-OpenID: planted", "x_wx_openid: planted",
		"X-Forwarded-For: 192.0.2.1", "Forwarded: for=x", "X-Real-Ip: 192.0.2.1",
		"Accept-Encoding: gzip", "Upgrade: h2c", "Connection: Upgrade",
		"Content-Type: text/xml", "User-Agent: site/1", "Wechatmp-Signature: kept")
	want := http.Header{
		"Content-Length": {"4"}, "Content-Type": {"text/xml"}, "User-Agent": {"site/1"}, "Wechatmp-Signature": {"kept"},
	}
	if fmt.Sprint(seen) != fmt.Sprint(want) {
		t.Errorf("WeChat sees the header %v, want %v", seen, want)
	}
	if "http://"+host == l.url {
		t.Errorf("WeChat sees the host %s, the relay's own", host)
	}
	if got.status != 302 || got.header.Get("Location") != "" || got.header.Get("X-Kept") != "1" {
		t.Errorf("response %v, want 302 without the Location that contains the token", got)
	}
}

// Trailers are no part of a call of WeChat's API.
func TestRelayDropsTrailers(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	l := newLab(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		seen <- r.Trailer
	}, "/x")
	body := io.MultiReader(bytes.NewReader(make([]byte, 2<<20))) // sent in chunks
	r, err := http.NewRequestWithContext(t.Context(), "POST", l.url+"/x", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Trailer = http.Header{"X-Wx-Openid": {"planted"}}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := <-seen; len(got) != 0 {
		t.Errorf("WeChat sees the trailer %v, want none", got)
	}
}

func TestRelayLogsAndCounts(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "four") }, "/x")
	l.do("GET", "/x?openid=planted", nil)
	l.do("GET", "/y?openid=planted", nil)
	for _, want := range []string{
		`"method":"GET","host":"` + strings.TrimPrefix(l.url, "http://") + `","path":"/x",` +
			`"status":200,"bytes":4,"duration_ms":`,
		`"outcome":"proxied","message":"request"`, `"outcome":"forbidden","message":"request"`, `"server":"relay"`,
	} {
		if !strings.Contains(l.log.String(), want) {
			t.Errorf("log %s, want %s", l.log, want)
		}
	}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(l.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`wxgate_relay_requests_total{code="200",outcome="proxied"} 1`,
		`wxgate_relay_requests_total{code="403",outcome="forbidden"} 1`,
		`wxgate_relay_request_duration_seconds_count{outcome="proxied"} 1`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("metrics %s, want %s", w.Body, want)
		}
	}
}
