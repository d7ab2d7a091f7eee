package main_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// spanAttributes are the names of all attributes that spans may have.
var spanAttributes = []string{
	"http.request.method", "http.response.status_code", "http.route", "url.scheme", "server.address", "server.port",
	"network.protocol.version", "error.type", "wxgate.outcome", "wxgate.site", "wxgate.upstream", "wxgate.decision",
	"wxgate.reason", "wxgate.wechat.errcode", "db.system.name", "db.operation.name",
}

// tracedSite is a wxgate process that sends its spans to a collector, with an emulated
// WeChat and a site that keeps the headers of its requests.
type tracedSite struct {
	*process
	address  string
	wx       *wechattest.Server
	received chan http.Header
}

// startTraced starts a tracedSite with the changes to its environment.
func startTraced(t *testing.T, changes ...string) *tracedSite {
	t.Helper()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	s := &tracedSite{wx: wx, received: make(chan http.Header, 100)}
	upstream := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		s.received <- r.Header
		hello(w, r)
	})
	s.address = freeAddress(t)
	s.process = start(t, environment(upstream, append([]string{
		"WXGATE_PUBLIC_URL=http://" + s.address, "WXGATE_LISTEN=" + s.address, "WXGATE_PUBLIC_PATHS=/public/",
		"WXGATE_WECHAT_API_URL=" + wx.URL, "WXGATE_WECHAT_OPEN_URL=" + wx.URL,
	}, changes...)...))
	s.listening("gateway")
	return s
}

// signIn opens a page as a visitor, who signs in on the way. It returns the secrets of the
// login: code, state and cookies.
func (s *tracedSite) signIn(path string) (secrets []string) {
	s.t.Helper()
	jar, _ := cookiejar.New(nil) // never fails
	page, err := (&wechattest.Browser{Visitor: "lihua", Jar: jar}).Open(s.t.Context(), "http://"+s.address+path)
	if err != nil || page.Body != "hello" {
		s.t.Fatalf("GET %s: %v, %v, want the site's answer", path, page, err)
	}
	for _, hop := range page.Hops {
		if query := hop.URL.Query(); query.Get("code") != "" {
			secrets = append(secrets, query.Get("code"), query.Get("state"))
		}
	}
	if len(secrets) != 2 {
		s.t.Fatalf("%d secrets on the way %v, want code and state", len(secrets), page.Hops)
	}
	for _, cookie := range jar.Cookies(page.URL) {
		secrets = append(secrets, cookie.Value)
	}
	return secrets
}

// end ends the process, which sends the last spans.
func (s *tracedSite) end() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		s.t.Errorf("exit code %d, want 0", code)
	}
}

// A login and a request for the site arrive at the collector as spans, by each protocol.
func TestTracing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		receiver func(*testing.T) *receiver
		changes  []string
	}{
		{"http", newReceiver, nil},
		{"http, gzip", newReceiver, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}},
		{"grpc", newGRPCReceiver, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}},
		{"grpc, gzip", newGRPCReceiver, []string{"OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_COMPRESSION=gzip"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			collector := tt.receiver(t)
			s := startTraced(t, append([]string{
				"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.url, "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20planted-token",
				"OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test",
			}, tt.changes...)...)
			used := s.signIn("/orders?planted-query=1")
			admin := s.listening("admin")
			exemplars := scrape(t, admin, "application/openmetrics-text")
			s.end()

			spans, text, tokens := collector.got()
			checkTrees(t, spans)
			checkSpans(t, s, spans, exemplars)
			for _, want := range []string{`"wxgate"`, `"service.version"`, `"deployment.environment.name"`, `"telemetry.sdk.language"`} {
				if !strings.Contains(text, want) {
					t.Errorf("the collector got no %s", want)
				}
			}
			if len(tokens) == 0 || slices.ContainsFunc(tokens, func(token string) bool { return token != "Bearer planted-token" }) {
				t.Errorf("the collector got the tokens %q", tokens)
			}
			secrets := append([]string{
				"planted", wechattest.StockAppSecret, cookieKey, s.wx.OpenID(wechattest.StockAppID, "lihua"),
			}, used...)
			for _, secret := range secrets {
				if strings.Contains(text, secret) || strings.Contains(s.stdout.String(), secret) {
					t.Errorf("the secret %q is in a span or in the log", secret)
				}
			}
		})
	}
}

// checkTrees checks the spans of a login by their parents.
func checkTrees(t *testing.T, spans []*tracev1.Span) {
	t.Helper()
	byID := make(map[string]*tracev1.Span)
	for _, span := range spans {
		byID[string(span.GetSpanId())] = span
	}
	var got []string
	for _, span := range spans {
		path := span.GetName()
		for parent := byID[string(span.GetParentSpanId())]; parent != nil; parent = byID[string(parent.GetParentSpanId())] {
			path = parent.GetName() + " > " + path
		}
		got = append(got, path)
	}
	slices.Sort(got)
	want := []string{
		"GET /_wx/callback", "GET /_wx/callback > exchange code", "GET /_wx/callback > exchange code > sns/oauth2/access_token",
		"GET login", "GET login > decide",
		"GET proxied", "GET proxied > GET upstream", "GET proxied > decide",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// checkSpans checks the attributes of the spans, and what the site, the log and the
// metrics have of their ids.
func checkSpans(t *testing.T, s *tracedSite, spans []*tracev1.Span, exemplars string) {
	t.Helper()
	site := <-s.received
	for _, span := range spans {
		for _, a := range span.GetAttributes() {
			if !slices.Contains(spanAttributes, a.GetKey()) {
				t.Errorf("span %q has the attribute %v, which is not in the list", span.GetName(), a)
			}
		}
		if len(span.GetEvents())+len(span.GetLinks()) > 0 {
			t.Errorf("span %q has events or links", span.GetName())
		}
		id := hex.EncodeToString(span.GetTraceId())
		switch span.GetName() {
		case "GET proxied":
			s.line(`"outcome":"proxied"`, `"trace_id":"`+id+`"`)
			if !strings.Contains(exemplars, `# {trace_id="`+id+`"}`) {
				t.Errorf("no exemplar of the trace %s in the metrics", id)
			}
		case "GET upstream":
			if got, want := site.Get("Traceparent"), "00-"+id+"-"+hex.EncodeToString(span.GetSpanId())+"-01"; got != want {
				t.Errorf("the site got the traceparent %q, want %q", got, want)
			}
		}
	}
}

// Tracing that is off leaves no trace: no connection, no header, no field.
func TestTracingOff(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string][]string{
		"nothing set":    {"OTEL_SERVICE_NAME=shop", "OTEL_EXPORTER_OTLP_PROTOCOL=wrong"},
		"disabled":       {"OTEL_SDK_DISABLED=true", "OTEL_EXPORTER_OTLP_ENDPOINT=http://COLLECTOR"},
		"exporter none":  {"OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_ENDPOINT=http://COLLECTOR"},
		"other signals":  {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://COLLECTOR"},
		"empty endpoint": {"OTEL_EXPORTER_OTLP_ENDPOINT="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			collector := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
			t.Cleanup(collector.Close)
			for i, change := range changes {
				changes[i] = strings.ReplaceAll(change, "http://COLLECTOR", collector.URL)
			}
			s := startTraced(t, changes...)
			s.signIn("/orders")
			if site := <-s.received; site.Get("Traceparent") != "" {
				t.Errorf("the site got the traceparent %q", site.Get("Traceparent"))
			}
			if got := scrape(t, s.listening("admin"), "application/openmetrics-text"); strings.Contains(got, "trace_id") || strings.Contains(got, "# EOF") {
				t.Error("the metrics are in the form that has exemplars")
			}
			s.end()
			if asked.Load() > 0 || strings.Contains(s.stdout.String(), "trace_id") {
				t.Errorf("the collector was asked %d times, log\n%s", asked.Load(), s.stdout)
			}
		})
	}
}

// A collector that is away, slow or broken is logged once a minute, without its token. It
// delays neither requests nor the end of the process.
func TestTracingCollectorFails(t *testing.T) {
	t.Parallel()
	hanging, release := make(chan struct{}, 1000), make(chan struct{})
	t.Cleanup(func() { close(release) })
	const gone = "127.0.0.1:1" // and not a port that was free: another test may listen on it
	stuck := newReceiverOf(t, func(http.ResponseWriter, *http.Request) {
		hanging <- struct{}{}
		<-release
	})
	redirected := make(chan string, 1000)
	other := newReceiverOf(t, func(_ http.ResponseWriter, r *http.Request) { redirected <- r.Header.Get("X-Token") })
	for _, tt := range []struct {
		name, url string
		protocol  string
		detail    string // of the log; "": nothing is logged while it runs
	}{
		{"away", "http://" + gone, "http/protobuf", "connection refused"},
		{"away, grpc", "http://" + gone, "grpc", "connection refused"},
		{"token refused", newReceiverOf(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, "unknown token "+r.Header.Get("X-Token"))
		}), "http/protobuf", "401 Unauthorized"},
		{"redirects", newReceiverOf(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other+"/v1/traces", http.StatusTemporaryRedirect)
		}), "http/protobuf", "307 Temporary Redirect"},
		{"no HTTP", newRawReceiver(t, "planted-token \r\n\r\n"), "http/protobuf", ""},
		{"hangs", stuck, "http/protobuf", ""},
		{"hangs, grpc", stuck, "grpc", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startTraced(t, "OTEL_EXPORTER_OTLP_ENDPOINT="+tt.url, "OTEL_EXPORTER_OTLP_PROTOCOL="+tt.protocol,
				"OTEL_EXPORTER_OTLP_HEADERS=x-token=planted-token", "OTEL_BSP_SCHEDULE_DELAY=10", "OTEL_BSP_MAX_QUEUE_SIZE=5",
				"OTEL_BSP_EXPORT_TIMEOUT=5000", "WXGATE_SHUTDOWN_TIMEOUT=1s")
			for range 20 {
				if status, body := get(t, "http://"+s.address+"/public/a"); status != 200 || body != "hello" {
					t.Fatalf("GET = %d %q, want the site's answer", status, body)
				}
			}
			if tt.detail != "" {
				s.line(`"level":"warn"`, `"message":"spans not sent"`, tt.detail, `"hint":`)
			}
			s.end()
			log := s.stdout.String()
			if strings.Contains(log, "planted") || strings.Contains(s.stderr.String(), "planted") {
				t.Error("the log has the collector's token, or what it says")
			}
			if got := strings.Count(log, `"message":"spans not sent"`); got > 1 {
				t.Errorf("%d lines about spans that were not sent, want one a minute", got)
			}
			if strings.Contains(log, "a background task has not ended") {
				t.Error("the wait for the collector has no end of its own")
			}
			if text := s.stderr.String(); text != "" {
				t.Errorf("stderr %q, want nothing", text)
			}
		})
	}
	t.Cleanup(func() {
		if len(redirected) > 0 {
			t.Error("spans and token followed a redirect to another server")
		}
	})
}

// The sampler decides which traces arrive; all have ids.
func TestTracingSampler(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, sampler, argument string
		parent, flags           string
	}{
		{"none", "traceidratio", "0", "", "00"},
		{"off", "always_off", "", "", "00"},
		{"all", "traceidratio", "1", "", "01"},
		{"by parent", "parentbased_traceidratio", "0", "01", "01"},
		{"by parent, not sampled", "parentbased_always_on", "", "00", "00"},
		{"all, with a parent", "always_on", "", "00", "01"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			collector := newReceiver(t)
			s := startTraced(t, "OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="+collector.url+"/v1/traces",
				"OTEL_TRACES_SAMPLER="+tt.sampler, "OTEL_TRACES_SAMPLER_ARG="+tt.argument, "WXGATE_TRUSTED_PROXIES=127.0.0.1/32")
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/public/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.parent != "" {
				r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"+tt.parent)
			}
			res, err := newClient(t).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			id, _, _ := strings.Cut(strings.TrimPrefix((<-s.received).Get("Traceparent"), "00-"), "-")
			s.line(`"trace_id":"` + id + `"`)
			s.end()
			spans, _, _ := collector.got()
			if arrived := len(spans) > 0; arrived != (tt.flags == "01") {
				t.Errorf("%d spans arrived, want some: %t", len(spans), tt.flags == "01")
			}
		})
	}
}

// scrape returns the metrics in a form that the client accepts.
func scrape(t *testing.T, admin, accept string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	res, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
