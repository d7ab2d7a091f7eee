package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
)

// Each request has a span with a name of few values, and one for each of its parts.
func TestRequestSpans(t *testing.T) {
	t.Parallel()
	spans, tracer := newSpans(t)
	down := &url.URL{Scheme: "unix", Path: "/nonexistent/site.sock"}
	deny := openIDList(t, "oDenied\n")
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(site.Close)
	rig := newRig(t, nil, traced(tracer), func(c *testConfig) {
		c.PublicPaths, c.DenyOpenIDsFile, c.VerifyFiles = []string{"/static/"}, deny, []string{"abc123"}
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, site.URL)}, {Prefix: "/down", URL: down}}
	})
	cookie, denied := signedIn(t), signedIn(t, func(s *session.Session) { s.OpenID = "oDenied" })
	const same = " network.protocol.version=1.1 server.address=h5.example.com url.scheme=https "
	toSite := " network.protocol.version=1.1 server.address=127.0.0.1 server.port=" + mustURL(t, site.URL).Port() +
		" url.scheme=http wxgate.upstream=/"
	tests := []struct {
		name, method, target string
		header               []string
		span, attributes     string
		failed               string            // description of the status Error; "": none, "-": an empty one
		parts                map[string]string // name: attributes
	}{
		{"a visitor's", "GET", "/orders?token=planted", []string{"Cookie", cookie},
			"GET proxied", "http.request.method=GET http.response.status_code=200" + same + "wxgate.outcome=proxied wxgate.site=h5.example.com", "",
			map[string]string{"decide": "wxgate.decision=pass_visitor", "GET upstream": "http.request.method=GET http.response.status_code=200" + toSite}},
		{"public", "HEAD", "/static/a", nil,
			"HEAD public", "http.request.method=HEAD http.response.status_code=200" + same + "wxgate.outcome=public wxgate.site=h5.example.com", "",
			map[string]string{"decide": "wxgate.decision=pass_nobody", "HEAD upstream": "http.request.method=HEAD http.response.status_code=200" + toSite}},
		{"a method that the client invents", "PLANTED", "/static/a", nil,
			"HTTP public", "http.request.method=_OTHER http.response.status_code=200" + same + "wxgate.outcome=public wxgate.site=h5.example.com", "",
			map[string]string{"decide": "wxgate.decision=pass_nobody", "HTTP upstream": "http.request.method=_OTHER http.response.status_code=200" + toSite}},
		{"login", "GET", "/orders", asPage,
			"GET login", "http.request.method=GET http.response.status_code=302" + same + "wxgate.outcome=login wxgate.site=h5.example.com", "",
			map[string]string{"decide": "wxgate.decision=sign_in"}},
		{"no session", "GET", "/orders", fromScript,
			"GET refused", "error.type=unauthorized http.request.method=GET http.response.status_code=401" + same + "wxgate.outcome=unauthorized wxgate.site=h5.example.com", "",
			map[string]string{"decide": "wxgate.decision=refuse wxgate.reason=no_session"}},
		{"on the deny list", "GET", "/orders", []string{"Cookie", denied},
			"GET refused", "error.type=not_allowed http.request.method=GET http.response.status_code=403" + same + "wxgate.outcome=forbidden wxgate.site=h5.example.com", "",
			map[string]string{"decide": "wxgate.decision=refuse wxgate.reason=barred"}},
		{"own endpoint", "GET", "/_wx/me?planted", []string{"Cookie", cookie},
			"GET /_wx/me", "http.request.method=GET http.response.status_code=200 http.route=/_wx/me" + same + "wxgate.outcome=own wxgate.site=h5.example.com", "",
			map[string]string{}},
		{"verification file", "GET", "/MP_verify_abc123.txt", nil,
			"GET /MP_verify_{token}.txt", "http.request.method=GET http.response.status_code=200 http.route=/MP_verify_{token}.txt" + same + "wxgate.outcome=own wxgate.site=h5.example.com", "",
			map[string]string{}},
		{"no endpoint", "GET", "/_wx/planted", nil,
			"GET", "error.type=not_found http.request.method=GET http.response.status_code=404" + same + "wxgate.outcome=own wxgate.site=h5.example.com", "",
			map[string]string{}},
		{"forward auth", "POST", "/_wx/auth/planted", nil,
			"POST /_wx/auth", "error.type=unauthorized http.request.method=POST http.response.status_code=401 http.route=/_wx/auth" + same + "wxgate.outcome=unauthorized wxgate.site=h5.example.com", "",
			map[string]string{"decide": "wxgate.decision=refuse wxgate.reason=no_session"}},
		{"upstream down", "GET", "/down", []string{"Cookie", cookie},
			"GET proxied", "error.type=upstream_unavailable http.request.method=GET http.response.status_code=502" + same + "wxgate.outcome=error wxgate.site=h5.example.com", "upstream_unavailable",
			map[string]string{"decide": "wxgate.decision=pass_visitor", "GET upstream": "error.type=unavailable http.request.method=GET server.address=/nonexistent/site.sock url.scheme=http wxgate.upstream=/down"}},
		{"upstream fails", "GET", "/broken", []string{"Cookie", cookie},
			"GET proxied", "error.type=503 http.request.method=GET http.response.status_code=503" + same + "wxgate.outcome=proxied wxgate.site=h5.example.com", "-",
			map[string]string{"decide": "wxgate.decision=pass_visitor", "GET upstream": "error.type=503 http.request.method=GET http.response.status_code=503" + toSite}},
	}
	for _, tt := range tests {
		rig.do(t, tt.method, tt.target, tt.header...)
		span, parts := spans.request(t)
		if got := attributesOf(span); span.Name() != tt.span || got != tt.attributes {
			t.Errorf("%s: span %q with\n%s\nwant %q with\n%s", tt.name, span.Name(), got, tt.span, tt.attributes)
		}
		status := sdktrace.Status{}
		if tt.failed != "" {
			status = sdktrace.Status{Code: codes.Error, Description: strings.Trim(tt.failed, "-")}
		}
		if span.Status() != status {
			t.Errorf("%s: status %v, want %v", tt.name, span.Status(), status)
		}
		got := make(map[string]string)
		for _, part := range parts {
			got[part.Name()] = attributesOf(part)
			if part.Parent().SpanID() != span.SpanContext().SpanID() || part.SpanContext().TraceID() != span.SpanContext().TraceID() {
				t.Errorf("%s: span %q is not a child of the request's", tt.name, part.Name())
			}
		}
		if diff := cmp.Diff(tt.parts, got); diff != "" {
			t.Errorf("%s: parts (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A request for a host of no site has a span too, with nothing of the host.
func TestSpanOfUnknownSite(t *testing.T) {
	t.Parallel()
	spans, tracer := newSpans(t)
	rig := newRig(t, new(echo), traced(tracer), func(c *testConfig) { c.Hosts = []string{"other.example.com"} })
	q := rig.newRequest(t, "GET", "/", nil)
	q.Host = "planted.example.com"
	rig.send(t, q)
	span, parts := spans.request(t)
	const want = "error.type=unknown_site http.request.method=GET http.response.status_code=421 network.protocol.version=1.1 wxgate.outcome=error"
	if got := attributesOf(span); span.Name() != "GET" || got != want || len(parts) != 0 {
		t.Errorf("span %q with %s and parts %q, want GET with %s", span.Name(), got, names(parts), want)
	}
}

const (
	foreignTrace = "0af7651916cd43dd8448eb211c80319c"
	foreignSpan  = "b7ad6b7169203331"
	foreign      = "00-" + foreignTrace + "-" + foreignSpan + "-01"
)

// A parent is believed from trusted proxies only. The site gets the gateway's own span
// as parent in any case.
func TestTraceParent(t *testing.T) {
	t.Parallel()
	all := []string{"Traceparent", foreign, "Tracestate", "vendor=1", "Baggage", "planted=1"}
	tests := []struct {
		name           string
		trusted        bool
		header         []string
		believed       bool
		state, baggage string // that the site gets
	}{
		{"client", false, all, false, "", ""},
		{"client, in capitals", false, []string{"TRACEPARENT", foreign, "TRACESTATE", "vendor=1", "BAGGAGE", "planted=1"}, false, "", ""},
		{"client, state alone", false, []string{"Tracestate", "vendor=1"}, false, "", ""},
		{"trusted", true, all, true, "vendor=1", "planted=1"},
		{"trusted, not sampled", true, []string{"Traceparent", foreign[:len(foreign)-1] + "0"}, true, "", ""},
		{"trusted, no parent", true, []string{"Baggage", "planted=1"}, false, "", "planted=1"},
		{"trusted, state alone", true, []string{"Tracestate", "vendor=1"}, false, "", ""},
		{"trusted, twice", true, []string{"Traceparent", foreign, "Traceparent", foreign, "Tracestate", "vendor=1"}, false, "", ""},
		{"trusted, malformed", true, []string{"Traceparent", "00-" + foreignTrace + "-zz-01", "Tracestate", "vendor=1"}, false, "", ""},
		{"trusted, zero", true, []string{"Traceparent", "00-00000000000000000000000000000000-" + foreignSpan + "-01"}, false, "", ""},
		{"trusted, long state", true, []string{"Traceparent", foreign, "Tracestate", "a=" + strings.Repeat("x", 255) + ",b=" + strings.Repeat("y", 254)}, true, "", ""},
		{"trusted, malformed state", true, []string{"Traceparent", foreign, "Tracestate", "no list"}, true, "", ""},
	}
	for _, tt := range tests {
		// The sampler records children of a span that is not sampled too.
		spans, tracer := newSpans(t, sdktrace.WithSampler(sdktrace.AlwaysSample()))
		rig := newRig(t, new(echo), traced(tracer), func(c *testConfig) {
			c.PublicPaths = []string{"/static/"}
			if tt.trusted {
				c.TrustedProxies = loopback
			}
		})
		site := echoOf(t, rig.do(t, "GET", "/static/a", tt.header...))
		span, parts := spans.request(t)
		if believed := span.Parent().IsValid(); believed != tt.believed {
			t.Errorf("%s: the span has a parent: %t, want %t", tt.name, believed, tt.believed)
		}
		if believed := span.SpanContext().TraceID().String() == foreignTrace; believed != tt.believed {
			t.Errorf("%s: the trace is the client's: %t, want %t", tt.name, believed, tt.believed)
		}
		out := named(t, parts, "GET upstream").SpanContext()
		parent := "00-" + out.TraceID().String() + "-" + out.SpanID().String() + "-01"
		for name, want := range map[string]string{"Traceparent": parent, "Tracestate": tt.state, "Baggage": tt.baggage} {
			if got := strings.Join(site.Header[name], "|"); got != want {
				t.Errorf("%s: the site gets %s %q, want %q", tt.name, name, got, want)
			}
		}
	}
}

// Without a tracer, trace headers pass as they are, trusted or not.
func TestTraceHeadersWithoutTracer(t *testing.T) {
	t.Parallel()
	rig := newRig(t, new(echo), func(c *testConfig) { c.PublicPaths = []string{"/static/"} })
	header := []string{"Traceparent", foreign, "Tracestate", "vendor=1", "Baggage", "a=1"}
	site := echoOf(t, rig.do(t, "GET", "/static/a", header...))
	for i := 0; i < len(header); i += 2 {
		if got := site.Header.Get(header[i]); got != header[i+1] {
			t.Errorf("the site gets %s %q, want %q", header[i], got, header[i+1])
		}
	}
	if site := echoOf(t, rig.do(t, "GET", "/static/a")); site.Header.Get("Traceparent") != "" {
		t.Error("the site gets a traceparent that nobody sent")
	}
	if line := rig.lines.next(t); line["trace_id"] != nil {
		t.Errorf("access line with the trace_id %v, want none", line["trace_id"])
	}
}

// A span in the context of a request is the parent, and a handler behind Wrap gets the
// gateway's span in context and header.
func TestWrapTraces(t *testing.T) {
	t.Parallel()
	spans, tracer := newSpans(t)
	g, _ := newGateway(t, nil, traced(tracer), func(c *testConfig) { c.PublicPaths = []string{"/static/"} })
	var inner trace.SpanContext
	var header http.Header
	guarded := g.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inner, header = trace.SpanContextFromContext(r.Context()), r.Header
	}))
	ctx, outer := tracer.Start(t.Context(), "outer")
	r := httptest.NewRequestWithContext(ctx, "GET", "/static/a", nil)
	r.Header.Set("Traceparent", foreign)
	guarded.ServeHTTP(httptest.NewRecorder(), r)
	span, _ := spans.request(t)
	if got := span.Parent().SpanID(); got != outer.SpanContext().SpanID() {
		t.Errorf("parent %v, want the span of the program, %v", got, outer.SpanContext().SpanID())
	}
	if !inner.Equal(span.SpanContext()) {
		t.Errorf("the handler's context has %v, want %v", inner, span.SpanContext())
	}
	want := "00-" + inner.TraceID().String() + "-" + inner.SpanID().String() + "-01"
	if got := header.Get("Traceparent"); got != want {
		t.Errorf("the handler gets the traceparent %q, want %q", got, want)
	}
	if got := r.Header.Get("Traceparent"); got != foreign {
		t.Errorf("the caller's request has the traceparent %q now", got)
	}
}

// Every entry point makes a span of the request and one of the decision.
func TestFourDoorsTrace(t *testing.T) {
	t.Parallel()
	spans, tracer := newSpans(t)
	site := new(echo)
	g, r := newGateway(t, site, traced(tracer), func(c *testConfig) { c.TrustedProxies = loopback })
	for _, door := range fourDoors(t, g, site) {
		door.send(t, doorRequest{"GET", "/orders", []string{"Cookie", signedIn(t)}})
		span, parts := spans.request(t)
		if got := attributeOf(named(t, parts, "decide"), "wxgate.decision"); got != "pass_visitor" {
			t.Errorf("%s: decision %q, want pass_visitor", door.name, got)
		}
		if got := attributeOf(span, "wxgate.outcome"); got != "proxied" {
			t.Errorf("%s: outcome %q, want proxied", door.name, got)
		}
		if line := r.lines.next(t); line["trace_id"] != span.SpanContext().TraceID().String() {
			t.Errorf("%s: trace_id %v, want %v", door.name, line["trace_id"], span.SpanContext().TraceID())
		}
	}
}

// Access lines have a trace_id whether the trace is sampled or not. The histograms have
// exemplars of sampled traces only.
func TestTraceIDs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sampler  sdktrace.Sampler
		exemplar bool
	}{"sampled": {sdktrace.AlwaysSample(), true}, "not sampled": {sdktrace.NeverSample(), false}} {
		_, tracer := newSpans(t, sdktrace.WithSampler(tt.sampler))
		rig := newRig(t, new(echo), traced(tracer), func(c *testConfig) { c.PublicPaths = []string{"/static/"} })
		site := echoOf(t, rig.do(t, "GET", "/static/a"))
		id, _ := rig.lines.next(t)["trace_id"].(string)
		if parent := site.Header.Get("Traceparent"); len(id) != 32 || !strings.HasPrefix(parent, "00-"+id+"-") {
			t.Errorf("%s: trace_id %q in the access line, %q at the site", name, id, parent)
		}
		for metric, label := range map[string]string{"wxgate_http_request_duration_seconds": "public", "wxgate_upstream_request_duration_seconds": "/"} {
			want := ""
			if tt.exemplar {
				want = id
			}
			if got := exemplarOf(t, rig.registry, metric, label); got != want {
				t.Errorf("%s: %s has an exemplar of %q, want %q", name, metric, got, want)
			}
		}
	}
}

// The span of a WebSocket ends with the upgrade.
func TestWebSocketSpan(t *testing.T) {
	t.Parallel()
	spans, tracer := newSpans(t)
	rig := newRig(t, greeter(t), traced(tracer))
	conn, _, err := websocket.Dial(t.Context(), rig.URL, &websocket.DialOptions{HTTPHeader: http.Header{"Cookie": {signedIn(t)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	span, parts := spans.request(t) // while the connection is open
	if span.Name() != "GET proxied" || attributeOf(span, "http.response.status_code") != "101" || span.Status().Code != codes.Unset {
		t.Errorf("span %q with %s, status %v, want GET proxied with status 101", span.Name(), attributesOf(span), span.Status())
	}
	if got := attributeOf(named(t, parts, "GET upstream"), "http.response.status_code"); got != "101" {
		t.Errorf("the upstream's span has status %s, want 101", got)
	}
	conn.Close(websocket.StatusNormalClosure, "")
	if line := rig.lines.next(t); line["trace_id"] != span.SpanContext().TraceID().String() {
		t.Errorf("trace_id %v, want %v", line["trace_id"], span.SpanContext().TraceID())
	}
	select {
	case again := <-spans:
		t.Errorf("span %q ends after the upgrade", again.Name())
	default:
	}
}

// An upstream that is too slow, or a visitor who leaves, is told by the kind of failure.
func TestUpstreamFailureSpans(t *testing.T) {
	t.Parallel()
	spans, tracer := newSpans(t)
	arrived := make(chan struct{}, 2)
	rig := newRig(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}), traced(tracer), func(c *testConfig) { c.UpstreamTimeout = 100 * time.Millisecond })
	rig.do(t, "GET", "/slow", "Cookie", signedIn(t))
	<-arrived
	span, parts := spans.request(t)
	if got := attributeOf(named(t, parts, "GET upstream"), "error.type"); got != "timeout" {
		t.Errorf("upstream too slow: error.type %q, want timeout", got)
	}
	if got := span.Status(); got.Code != codes.Error || got.Description != "upstream_unavailable" {
		t.Errorf("upstream too slow: status %v, want Error with upstream_unavailable", got)
	}

	patient := newRig(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-r.Context().Done()
	}), traced(tracer))
	conn := patient.dial(t)
	conn.say(t, "GET /slow HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "")
	<-arrived
	conn.Close()
	span, parts = spans.request(t)
	if got := attributeOf(named(t, parts, "GET upstream"), "error.type"); got != "canceled" {
		t.Errorf("visitor leaves: error.type %q, want canceled", got)
	}
	if got := attributeOf(span, "http.response.status_code"); got != "499" || span.Status().Code != codes.Unset {
		t.Errorf("visitor leaves: status code %s, %v, want 499 and no error", got, span.Status())
	}
}
