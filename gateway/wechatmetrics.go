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
func observeWeChat(registry prometheus.Registerer, bySite access.BySite) (
	of func(site string) func(ctx context.Context, api string, err error, elapsed time.Duration), err error,
) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wxgate_wechat_requests_total", Help: "Calls of WeChat's API, by path and result.",
	}, bySite.Names("api", "result"))
	refusals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wxgate_wechat_errors_total", Help: "Calls of WeChat's API that it refused, by path, result and errcode.",
	}, bySite.Names("api", "result", "errcode"))
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "wxgate_wechat_request_duration_seconds", Help: "Time of a call of WeChat's API, by path.",
		Buckets: prometheus.DefBuckets,
	}, []string{"api"})
	for _, api := range usualAPIs {
		durations.WithLabelValues(api)
	}
	codes := &errcodes{known: make(map[int]bool)}
	of = func(site string) func(context.Context, string, error, time.Duration) {
		calls, refused := requests.MustCurryWith(bySite.Of(site)), refusals.MustCurryWith(bySite.Of(site))
		for _, api := range usualAPIs {
			for _, result := range wechat.Results() {
				calls.WithLabelValues(api, result)
			}
		}
		count := func(api string, refusal *wechat.Error) prometheus.Counter {
			return refused.WithLabelValues(api, wechat.Result(refusal), codes.label(refusal.Code))
		}
		for api, usual := range usualErrcodes {
			for _, code := range usual {
				count(api, &wechat.Error{API: api, Code: code})
			}
		}
		return func(ctx context.Context, api string, err error, elapsed time.Duration) {
			calls.WithLabelValues(api, wechat.Result(err)).Inc()
			if refusal, ok := errors.AsType[*wechat.Error](err); ok {
				count(api, refusal).Inc()
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
