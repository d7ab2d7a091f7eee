package gateway_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// tree returns the spans of one request in sorted order, each with the names of those
// above it.
func tree(request sdktrace.ReadOnlySpan, parts []sdktrace.ReadOnlySpan) []string {
	byID := map[trace.SpanID]sdktrace.ReadOnlySpan{request.SpanContext().SpanID(): request}
	for _, part := range parts {
		byID[part.SpanContext().SpanID()] = part
	}
	var list []string
	for _, span := range byID {
		path := span.Name()
		for parent := byID[span.Parent().SpanID()]; parent != nil; parent = byID[parent.Parent().SpanID()] {
			path = parent.Name() + " > " + path
		}
		list = append(list, path)
	}
	slices.Sort(list)
	return list
}

// A login with the sessions in cookies and in Redis: the exchange of the code, the call of
// WeChat in it, and the commands of Redis.
func TestLoginSpans(t *testing.T) {
	t.Parallel()
	const callback, page, exchange = "GET /_wx/callback", "GET proxied", "GET /_wx/callback > exchange code"
	want := map[bool]struct{ callback, page []string }{
		false: {
			[]string{callback, exchange, exchange + " > sns/oauth2/access_token"},
			[]string{page, page + " > GET upstream", page + " > decide"},
		},
		true: {
			[]string{
				callback, callback + " > SET", exchange, exchange + " > EVALSHA", exchange + " > EVALSHA",
				exchange + " > sns/oauth2/access_token",
			},
			[]string{page, page + " > GET", page + " > GET upstream", page + " > decide"},
		},
	}
	eachStore(t, func(t *testing.T, inRedis bool) {
		spans, tracer := newSpans(t)
		var server *redistest.Server
		s := newLoginSite(t, func(c *testConfig) {
			c.Tracer = tracer
			if inRedis {
				server = redistest.Start(t)
				client := redisClient(t, server)
				c.Sessions = func(c session.Config) (session.Store, error) { return client.Sessions(c, time.Minute) }
				c.Exchanges = func(c session.Config) gateway.Exchanges { return client.Exchanges(c, time.Minute) }
			}
		})
		b := s.browser()
		address := s.callbackAddress(b, "/orders?planted")
		if login, parts := spans.request(t); login.Name() != "GET login" {
			t.Errorf("span %q with parts %q, want GET login", login.Name(), names(parts))
		}
		s.get(b, address)
		finished, parts := spans.request(t)
		if diff := gocmp.Diff(want[inRedis].callback, tree(finished, parts)); diff != "" {
			t.Errorf("callback (-want +got):\n%s", diff)
		}
		call := named(t, parts, "sns/oauth2/access_token")
		if got := attributesOf(call); got != "http.request.method=GET" || call.SpanKind() != trace.SpanKindClient {
			t.Errorf("the call of WeChat has %s, kind %v", got, call.SpanKind())
		}
		s.get(b, "/orders?planted")
		loaded, parts := spans.request(t)
		if diff := gocmp.Diff(want[inRedis].page, tree(loaded, parts)); diff != "" {
			t.Errorf("page (-want +got):\n%s", diff)
		}
		if inRedis {
			if got := attributesOf(named(t, parts, "GET")); got != "db.operation.name=GET db.system.name=redis" {
				t.Errorf("the command of Redis has %s", got)
			}
		}
		if inRedis && server.Real() {
			s.get(b, "/orders") // the session is in the cache of this process
			again, parts := spans.request(t)
			if diff := gocmp.Diff(want[false].page, tree(again, parts)); diff != "" {
				t.Errorf("page by the cache (-want +got):\n%s", diff)
			}
		}
	})
}

// What WeChat refuses has its errcode; what fails otherwise has the kind of failure.
func TestFailedLoginSpans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		fault          wechattest.Fault
		call, exchange string
	}{
		{"code used", wechattest.Fault{Code: 40163}, "error.type=visitor http.request.method=GET wxgate.wechat.errcode=40163", "invalid_code"},
		{"wrong secret", wechattest.Fault{Code: 40125}, "error.type=operator http.request.method=GET wxgate.wechat.errcode=40125", "wechat_error"},
		{"busy", wechattest.Fault{Code: -1}, "error.type=later http.request.method=GET wxgate.wechat.errcode=-1", "wechat_unavailable"},
		{"no JSON", wechattest.Fault{Mode: wechattest.FaultHTML}, "error.type=away http.request.method=GET", "wechat_unavailable"},
	} {
		spans, tracer := newSpans(t)
		s := newLoginSite(t, traced(tracer))
		b := s.browser()
		address := s.callbackAddress(b, "/orders")
		spans.request(t)
		fault := tt.fault
		fault.Path, fault.Mode = exchangePath, cmp.Or(fault.Mode, wechattest.FaultErrcode)
		s.wx.Fault(fault)
		s.get(b, address)
		_, parts := spans.request(t)
		call, exchange := named(t, parts, "sns/oauth2/access_token"), named(t, parts, "exchange code")
		if got := attributesOf(call); got != tt.call || call.Status().Code != codes.Error {
			t.Errorf("%s: the call has %s, status %v, want %s and Error", tt.name, got, call.Status(), tt.call)
		}
		want := sdktrace.Status{Code: codes.Error, Description: tt.exchange}
		if got := attributesOf(exchange); got != "error.type="+tt.exchange || exchange.Status() != want {
			t.Errorf("%s: the exchange has %s, status %v, want error.type=%s", tt.name, got, exchange.Status(), tt.exchange)
		}
	}
}
