package gateway

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/gateway/internal/counter"
	"github.com/wxgate/wxgate/wechat"
)

// ObserveWeChat registers metrics of the calls of WeChat's API with registry,
// wxgate_wechat_requests_total, wxgate_wechat_errors_total and
// wxgate_wechat_request_duration_seconds, and returns the function that counts a
// call. Set it as [wechat.Client.Observe] of each client before its first call.
func ObserveWeChat(
	registry prometheus.Registerer,
) (func(ctx context.Context, api string, err error, elapsed time.Duration), error) {
	of, err := observeWeChat(registry, false)
	return of(""), err
}

// ObserveWeChatBySite is [ObserveWeChat] for several sites: the two counters
// have the label site. It returns a function that returns what counts the calls for one
// site, by the host of its public URL; [NoSite] for an account that no site has. An
// account that several sites share counts for one of them.
func ObserveWeChatBySite(registry prometheus.Registerer) (
	of func(site string) func(ctx context.Context, api string, err error, elapsed time.Duration), err error,
) {
	return observeWeChat(registry, true)
}

// usualAPIs are the calls of WeChat's API that a gateway makes.
var usualAPIs = []string{
	"sns/oauth2/access_token", "sns/oauth2/refresh_token", "sns/userinfo",
	"cgi-bin/stable_token", "cgi-bin/token", "cgi-bin/ticket/getticket", "cgi-bin/user/info",
}

// usualErrcodes are error codes of WeChat that are usual with a call.
var usualErrcodes = map[string][]int{
	"sns/oauth2/access_token":  {-1, 40013, 40029, 40125, 40163, 40164, 45011},
	"cgi-bin/stable_token":     {-1, 40013, 40125, 40164, 40243, 45009, 45011},
	"cgi-bin/ticket/getticket": {-1, 40001, 45009},
}

// observeWeChat registers the metrics, and returns what returns the function that
// counts the calls for a site.
func observeWeChat(registry prometheus.Registerer, bySite bool) (
	of func(site string) func(ctx context.Context, api string, err error, elapsed time.Duration), err error,
) {
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "wxgate_wechat_request_duration_seconds", Help: "Time of a call of WeChat's API, by path.",
		Buckets: prometheus.DefBuckets,
	}, []string{"api"})
	codes := &errcodes{known: make(map[int]bool)}
	var usualRequests, usualRefusals [][]string
	for _, api := range usualAPIs {
		durations.WithLabelValues(api)
		for _, result := range wechat.Results() {
			usualRequests = append(usualRequests, []string{api, result})
		}
		for _, code := range usualErrcodes[api] {
			usualRefusals = append(usualRefusals, codes.labels(api, &wechat.Error{API: api, Code: code}))
		}
	}
	requests := counter.New(counter.Config{
		Name: "wxgate_wechat_requests_total", Help: "Calls of WeChat's API, by path and result.",
		Labels: []string{"api", "result"}, Usual: usualRequests, BySite: bySite,
	})
	refusals := counter.New(counter.Config{
		Name: "wxgate_wechat_errors_total", Help: "Calls of WeChat's API that it refused, by path, result and errcode.",
		Labels: []string{"api", "result", "errcode"}, Usual: usualRefusals, BySite: bySite,
	})
	of = func(site string) func(context.Context, string, error, time.Duration) {
		calls, refused := requests.Of(site), refusals.Of(site)
		return func(ctx context.Context, api string, err error, elapsed time.Duration) {
			calls.With(api, wechat.Result(err)).Inc()
			if refusal, ok := errors.AsType[*wechat.Error](err); ok {
				refused.With(codes.labels(api, refusal)...).Inc()
			}
			access.Observe(durations.WithLabelValues(api), elapsed, trace.SpanContextFromContext(ctx))
		}
	}
	return of, register(registry, requests, refusals, durations)
}

// maxErrcodes bounds the values of the label errcode. WeChat's documentation lists
// more codes than that, but its calls for logins have a dozen.
const maxErrcodes = 100

// errcodes are the error codes of WeChat that are values of a label. It is safe for
// concurrent use.
type errcodes struct {
	mu    sync.Mutex
	known map[int]bool
}

// labels returns the values of the labels api, result and errcode for a call that WeChat
// refused.
func (e *errcodes) labels(api string, refusal *wechat.Error) []string {
	return []string{api, wechat.Result(refusal), e.label(refusal.Code)}
}

// label returns the value for a code: the code, and "other" for all further ones
// once there are a hundred.
func (e *errcodes) label(code int) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.known[code] && len(e.known) == maxErrcodes {
		return "other"
	}
	e.known[code] = true
	return strconv.Itoa(code)
}
