package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	exchangePath = "/sns/oauth2/access_token"
	userInfoPath = "/sns/userinfo"
)

// loginSite is an echoing site behind a gateway, with an emulated WeChat beside
// it. It checks the headers of every answer of the gateway's own.
type loginSite struct {
	t         *testing.T
	wx        *wechattest.Emulator
	weChatURL string // origin of the authorize page
	url       string // the site's public URL
	log       *logBuffer
	metrics   *prometheus.Registry

	config    func() testConfig // a new one each time, for another replica
	upstream  http.Handler      // behind Wrap; nil: the configuration names upstreams
	transport http.RoundTripper // of browsers

	mu      sync.Mutex
	gateway http.Handler
	answers []recordedAnswer
}

// newLoginSite starts a site on the network. configure, which may be nil, changes
// the gateway's configuration.
func newLoginSite(t *testing.T, configure func(*testConfig)) *loginSite {
	t.Helper()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	s := &loginSite{t: t, wx: wx.Emulator, weChatURL: wx.URL, transport: newTransport(t)}
	site := httptest.NewServer(new(echo))
	t.Cleanup(site.Close)
	front := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(front.Close)
	s.url = front.URL

	s.prepare(func() testConfig {
		return testConfig{Site: gateway.Site{
			PublicURL: s.url,
			Account: &wechat.Client{
				AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret,
				APIURL: wx.URL, OpenURL: wx.URL,
			},
			Upstreams: []gateway.Upstream{{Prefix: "/", URL: mustURL(t, site.URL)}},
		}}
	}, configure)
	return s
}

// newTransport returns a transport of the test's own: when a server of httptest
// closes, it closes the idle connections of the default one.
func newTransport(t *testing.T) *http.Transport {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// newLoginMemorySite makes a site at https://h5.example.com without a network:
// for https, and for the clock of synctest.
func newLoginMemorySite(t *testing.T, configure func(*testConfig)) *loginSite {
	t.Helper()
	account := wechattest.StockAccount()
	account.CallbackDomains = []string{"h5.example.com", "shop.example.com"}
	wx, err := wechattest.New(wechattest.Config{Accounts: []wechattest.Account{account}})
	if err != nil {
		t.Fatal(err)
	}
	s := &loginSite{t: t, wx: wx, weChatURL: "https://open.weixin.qq.com", url: "https://h5.example.com"}
	s.transport = memoryTransport{s}
	s.upstream = new(echo)
	s.prepare(func() testConfig {
		return testConfig{Site: gateway.Site{
			PublicURL: s.url,
			Account: &wechat.Client{
				AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret,
				Transport: wx.Transport(),
			},
		}}
	}, configure)
	return s
}

// prepare makes the gateway that base and configure describe.
func (s *loginSite) prepare(base func() testConfig, configure func(*testConfig)) {
	s.t.Helper()
	s.log, s.metrics = &logBuffer{}, prometheus.NewRegistry()
	s.config = func() testConfig {
		c := base()
		c.CookieKeys = session.Keys{randomKey(7)}
		c.Logger, c.AccessLog = zerolog.New(s.log), true
		if configure != nil {
			configure(&c)
		}
		return c
	}
	c := s.config()
	c.Metrics = s.metrics
	s.use(s.replica(c))
}

// replica returns another gateway before the same site.
func (s *loginSite) replica(c testConfig) http.Handler {
	s.t.Helper()
	g, err := gateway.New(c.whole())
	if err != nil {
		s.t.Fatal(err)
	}
	go g.Run(s.t.Context())
	if s.upstream != nil {
		return g.Wrap(s.upstream)
	}
	return g
}

// use lets g answer from now on.
func (s *loginSite) use(g http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway = g
}

// serve answers a request, keeps a copy of the answer and checks it.
func (s *loginSite) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	g := s.gateway
	s.mu.Unlock()
	a := &recordedAnswer{ResponseWriter: w, path: r.URL.Path}
	g.ServeHTTP(a, r)
	s.mu.Lock()
	s.answers = append(s.answers, *a)
	s.mu.Unlock()
	if a.status == 0 || a.fromUpstream() {
		return
	}
	wantOwnHeaders(s.t, r.Method+" "+r.URL.Path, a.header)
	switch a.status {
	case 301, 307, 308:
		s.t.Errorf("%s %s: status %d, want no redirect but 302 and 303", r.Method, r.URL.Path, a.status)
	}
}

// recordedAnswer is a ResponseWriter that keeps a copy of the answer.
type recordedAnswer struct {
	http.ResponseWriter
	path   string // of the request
	status int
	header http.Header
	body   []byte
}

func (w *recordedAnswer) fromUpstream() bool { return w.header.Get("From-Upstream") != "" }

func (w *recordedAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recordedAnswer) WriteHeader(status int) {
	if status >= 200 && w.status == 0 {
		w.status, w.header = status, w.Header().Clone()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordedAnswer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.body = append(w.body, b...)
	return w.ResponseWriter.Write(b)
}

// memoryTransport is the transport of browsers to a site and WeChat in memory.
type memoryTransport struct{ site *loginSite }

func (m memoryTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if u, err := url.Parse(m.site.url); err != nil || r.URL.Host != u.Host {
		return m.site.wx.Transport().RoundTrip(r)
	}
	return m.site.answer(r), nil
}

// answer returns the gateway's answer to a browser's request, without a network.
func (s *loginSite) answer(r *http.Request) *http.Response {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "192.0.2.1:4711", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.serve(w, in)
	return w.Result()
}

// logBuffer collects log lines. It is safe for concurrent use.
type logBuffer struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// level returns the lines of one level.
func (l *logBuffer) level(level string) []string {
	return slices.DeleteFunc(strings.Split(l.String(), "\n"), func(line string) bool {
		return !strings.Contains(line, `"level":"`+level+`"`)
	})
}
