package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat"
)

// seriesOf returns the values of the series of wxgate's own, by name and labels, such
// as name{a=b,c=d}. That of a histogram is its number of observations.
func seriesOf(t testing.TB, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, label := range m.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			all[fmt.Sprintf("%s{%s}", family.GetName(), strings.Join(labels, ","))] = m.GetCounter().GetValue() +
				m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// counted returns the series whose values are not 0, without histograms.
func counted(t testing.TB, registry prometheus.Gatherer) map[string]float64 {
	t.Helper()
	all := seriesOf(t, registry)
	maps.DeleteFunc(all, func(name string, value float64) bool {
		return value == 0 || strings.Contains(name, "_seconds{")
	})
	return all
}

// outcomes are all outcomes of a request, with a status that each has.
var outcomes = map[string]int{
	"proxied": 200, "public": 200, "login": 302, "unauthorized": 401, "forbidden": 403, "own": 404, "error": 502,
}

// Every series is there before the first request.
func TestMetricsFromTheStart(t *testing.T) {
	t.Parallel()
	two := []gateway.Site{
		siteAt(t, "a", "https://A.example.com:8443", "www.a.example.com"), siteAt(t, "b", "https://b.example.com"),
	}
	alone := siteAt(t, "a", "https://a.example.com", "www.a.example.com")
	for _, test := range []struct {
		name  string
		sites []gateway.Site
		label []string // of each site, with a comma before it
		none  string   // that of no site
	}{
		{"one site", []gateway.Site{siteAt(t, "a", "https://a.example.com")}, []string{""}, ""},
		{"one site with hosts", []gateway.Site{alone}, []string{""}, ""},
		{"two sites", two, []string{",site=a.example.com", ",site=b.example.com"}, ",site=none"},
	} {
		var want []string
		for outcome := range outcomes {
			want = append(want, "wxgate_http_request_duration_seconds{outcome="+outcome+"}")
		}
		for _, site := range test.label {
			for outcome, status := range outcomes {
				want = append(want, fmt.Sprintf("wxgate_http_requests_total{code=%d,outcome=%s%s}", status, outcome, site))
			}
			for _, result := range []string{
				"ok", "declined", "invalid_state", "code_refused", "forbidden", "misconfigured", "wechat_away",
				"store_away", "error",
			} {
				want = append(want, fmt.Sprintf("wxgate_logins_total{result=%s%s}", result, site))
			}
			for _, word := range errorWords {
				want = append(want, fmt.Sprintf("wxgate_http_errors_total{error=%s%s}", word, site))
			}
			want = append(want, "wxgate_session_store_errors_total{"+strings.TrimPrefix(site, ",")+"}")
		}
		want = append(want, "wxgate_http_requests_in_flight{}", "wxgate_websockets_open{}",
			"wxgate_upstream_request_duration_seconds{upstream=/}",
			"wxgate_login_rate_uncounted_total{"+strings.TrimPrefix(test.none, ",")+"}")
		if test.sites[0].Hosts != nil {
			want = append(want, "wxgate_http_requests_total{code=421,outcome=error"+test.none+"}")
		}
		r := newSites(t, test.sites...)
		got := seriesOf(t, r.registry)
		for _, name := range want {
			if _, ok := got[name]; !ok {
				t.Errorf("%s: there is no series %s; all: %q", test.name, name, slices.Sorted(maps.Keys(got)))
			}
		}
		for name, value := range got {
			counter := strings.Contains(name, "_total{")
			if value != 0 || counter && strings.Contains(name, "site=") != (len(test.sites) > 1) ||
				!counter && strings.Contains(name, "site=") {
				t.Errorf("%s: %s = %v, want 0, and a site only in counters of several sites", test.name, name, value)
			}
		}
	}
}

// A request counts for its site at each door, and for none at an unknown host.
func TestCountersBySite(t *testing.T) {
	t.Parallel()
	a, b := siteAt(t, "a", "https://a.example.com", "www.a.example.com"), siteAt(t, "b", "https://b.example.com:8443")
	a.PublicPaths = []string{"/open"}
	b.Sessions = func(c session.Config) (session.Store, error) { return brokenStore{}, nil }
	unused := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	wrap := func(g *gateway.Gateway) http.Handler { return g.Wrap(unused) }
	authorize := func(g *gateway.Gateway) http.Handler { return http.HandlerFunc(g.Authorize) }
	const open, away = "{code=200,outcome=public,site=a.example.com}", "{code=503,outcome=error,site=b.example.com}"
	const storeAway = "wxgate_http_errors_total{error=session_store_unavailable,site=b.example.com}"
	for _, test := range []struct {
		name   string
		door   func(*gateway.Gateway) http.Handler
		host   string
		target string
		header []string
		want   map[string]float64
	}{
		{"proxy", nil, "www.A.example.com:80", "/open", nil, map[string]float64{"wxgate_http_requests_total" + open: 1}},
		{"proxy, login", nil, "a.example.com", "/", asPage, map[string]float64{
			"wxgate_http_requests_total{code=302,outcome=login,site=a.example.com}": 1,
		}},
		{"proxy, store away", nil, "b.example.com", "/", fromScript, map[string]float64{
			"wxgate_http_requests_total" + away: 1, "wxgate_session_store_errors_total{site=b.example.com}": 1,
			storeAway: 1,
		}},
		{"callback", nil, "a.example.com", "/_wx/callback?code=x&state=y", asPage, map[string]float64{
			"wxgate_http_requests_total{code=400,outcome=own,site=a.example.com}": 1,
			"wxgate_logins_total{result=invalid_state,site=a.example.com}":        1,
			"wxgate_http_errors_total{error=invalid_state,site=a.example.com}":    1,
		}},
		{"unknown host", nil, "c.example.com", "/open", nil, map[string]float64{
			"wxgate_http_requests_total{code=421,outcome=error,site=none}": 1,
			"wxgate_http_errors_total{error=unknown_site,site=none}":       1,
		}},
		{"unknown host, nginx", nil, "c.example.com", "/_wx/auth", []string{"X-Original-Uri", "/open"}, map[string]float64{
			"wxgate_http_requests_total{code=403,outcome=error,site=none}": 1,
			"wxgate_http_errors_total{error=unknown_site,site=none}":       1,
		}},
		{"Wrap", wrap, "a.example.com", "/open", nil,
			map[string]float64{"wxgate_http_requests_total" + open: 1}},
		{"ext_authz", authorize, "a.example.com", "/open", nil,
			map[string]float64{"wxgate_http_requests_total" + open: 1}},
		{"ext_authz, store away", authorize, "b.example.com", "/",
			fromScript, map[string]float64{
				"wxgate_http_requests_total" + away: 1, "wxgate_session_store_errors_total{site=b.example.com}": 1,
				storeAway: 1,
			}},
		{"forward auth", nil, "auth.internal", "/_wx/auth",
			[]string{"X-Forwarded-Host", "a.example.com", "X-Forwarded-Uri", "/open"},
			map[string]float64{"wxgate_http_requests_total" + open: 1}},
		{"forward auth, store away", nil, "a.example.com", "/_wx/auth",
			[]string{"X-Forwarded-Host", "b.example.com", "X-Forwarded-Uri", "/", "Sec-Fetch-Mode", "cors"},
			map[string]float64{
				"wxgate_http_requests_total" + away: 1, "wxgate_session_store_errors_total{site=b.example.com}": 1,
				storeAway: 1,
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, r := newGateway(t, nil, func(c *testConfig) {
				c.Sites, c.TrustedProxies = []gateway.Site{a, b}, loopback
			})
			door := http.Handler(g)
			if test.door != nil {
				door = test.door(g)
			}
			q := httptest.NewRequestWithContext(t.Context(), "GET", test.target, nil)
			q.Host, q.RemoteAddr = test.host, "127.0.0.1:1234"
			for pair := range slices.Chunk(test.header, 2) {
				q.Header.Set(pair[0], pair[1])
			}
			door.ServeHTTP(httptest.NewRecorder(), q)
			if diff := cmp.Diff(test.want, counted(t, r.registry)); diff != "" {
				t.Errorf("counters that are not 0 (-want +got):\n%s", diff)
			}
		})
	}
}

// brokenStore is a session store that does not answer.
type brokenStore struct{ session.Store }

func (brokenStore) Load(*http.Request) (*session.Session, error) {
	return nil, errors.New("store away")
}

// A request is in flight until its answer has ended, also by a panic.
func TestRequestsInFlight(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func()
	}{
		{"answered", func() {}},
		{"bug", func() { panic("a bug") }},
		{"broken off", func() { panic(http.ErrAbortHandler) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, r := newGateway(t, nil)
			inFlight := func() float64 { return seriesOf(t, r.registry)["wxgate_http_requests_in_flight{}"] }
			q := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
			q.Header.Set("Cookie", signedIn(t))
			during := 0.0
			handler := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				during = inFlight()
				test.end()
			}))
			func() {
				defer func() { recover() }()
				handler.ServeHTTP(httptest.NewRecorder(), q)
			}()
			if after := inFlight(); during != 1 || after != 0 {
				t.Errorf("in flight: %v during the request and %v after it, want 1 and 0", during, after)
			}
		})
	}
}

// A WebSocket is a request in flight.
func TestWebSocketsInFlight(t *testing.T) {
	t.Parallel()
	r := newWebSocketRig(t, false)
	if n := seriesOf(t, r.registry)["wxgate_http_requests_in_flight{}"]; n != 1 {
		t.Errorf("with a WebSocket: %v requests in flight, want 1", n)
	}
}

// The series of calls of WeChat's API are there from the start, and each site has its
// own.
func TestObserveWeChat(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	observe, err := gateway.ObserveWeChat(registry)
	if err != nil {
		t.Fatal(err)
	}
	start := seriesOf(t, registry)
	for _, name := range []string{
		"wxgate_wechat_requests_total{api=sns/oauth2/access_token,result=ok}",
		"wxgate_wechat_requests_total{api=cgi-bin/stable_token,result=operator}",
		"wxgate_wechat_requests_total{api=cgi-bin/user/info,result=away}",
		"wxgate_wechat_request_duration_seconds{api=sns/userinfo}",
	} {
		if value, ok := start[name]; !ok || value != 0 {
			t.Errorf("at the start: %s = %v, there: %t, want 0; all: %q", name, value, ok, slices.Sorted(maps.Keys(start)))
		}
	}
	observe(t.Context(), "sns/userinfo", &wechat.Error{API: "sns/userinfo", Code: 40003}, time.Second)
	want := map[string]float64{
		"wxgate_wechat_requests_total{api=sns/userinfo,result=visitor}":             1,
		"wxgate_wechat_errors_total{api=sns/userinfo,errcode=40003,result=visitor}": 1,
	}
	if diff := cmp.Diff(want, counted(t, registry)); diff != "" {
		t.Errorf("counters that are not 0 (-want +got):\n%s", diff)
	}

	registry = prometheus.NewRegistry()
	of, err := gateway.ObserveWeChatBySite(registry)
	if err != nil {
		t.Fatal(err)
	}
	a, none := of("a.example.com"), of(gateway.NoSite)
	a(t.Context(), "sns/userinfo", nil, time.Second)
	none(t.Context(), "cgi-bin/token", context.DeadlineExceeded, time.Second)
	want = map[string]float64{
		"wxgate_wechat_requests_total{api=sns/userinfo,result=ok,site=a.example.com}": 1,
		"wxgate_wechat_requests_total{api=cgi-bin/token,result=away,site=none}":       1,
	}
	if diff := cmp.Diff(want, counted(t, registry)); diff != "" {
		t.Errorf("counters by site that are not 0 (-want +got):\n%s", diff)
	}
	durations := seriesOf(t, registry)
	if n := durations["wxgate_wechat_request_duration_seconds{api=sns/userinfo}"]; n != 1 {
		t.Errorf("%v durations of sns/userinfo, want 1, for all sites", n)
	}
	if _, err := gateway.ObserveWeChat(registry); err == nil {
		t.Error("ObserveWeChat registers its names twice")
	}
}
