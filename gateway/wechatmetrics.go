package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/internal/access"
	"github.com/wxgate/wxgate/wechat"
)

// ObserveWeChat registers metrics of the calls of WeChat's API with registry,
// wxgate_wechat_requests_total and wxgate_wechat_request_duration_seconds, and
// returns the function that counts a call. Set it as [wechat.Client.Observe] of
// each client before its first call.
func ObserveWeChat(registry prometheus.Registerer) (func(api string, err error, elapsed time.Duration), error) {
	of, err := observeWeChat(registry, false)
	return of(""), err
}

// ObserveWeChatBySite is [ObserveWeChat] for several sites: wxgate_wechat_requests_total
// has the label site. It returns a function that returns what counts the calls for one
// site, by the host of its public URL; [NoSite] for an account that no site has. An
// account that several sites share counts for one of them.
func ObserveWeChatBySite(registry prometheus.Registerer) (
	of func(site string) func(api string, err error, elapsed time.Duration), err error,
) {
	return observeWeChat(registry, true)
}

// usualAPIs are the calls of WeChat's API that a gateway makes.
var usualAPIs = []string{
	"sns/oauth2/access_token", "sns/oauth2/refresh_token", "sns/userinfo",
	"cgi-bin/stable_token", "cgi-bin/token", "cgi-bin/ticket/getticket", "cgi-bin/user/info",
}

// observeWeChat registers the metrics, and returns what returns the function that
// counts the calls for a site.
func observeWeChat(registry prometheus.Registerer, bySite access.BySite) (
	of func(site string) func(api string, err error, elapsed time.Duration), err error,
) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "wxgate_wechat_requests_total", Help: "Calls of WeChat's API, by path and result.",
	}, bySite.Names("api", "result"))
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "wxgate_wechat_request_duration_seconds", Help: "Time of a call of WeChat's API, by path.",
		Buckets: prometheus.DefBuckets,
	}, []string{"api"})
	for _, api := range usualAPIs {
		durations.WithLabelValues(api)
	}
	of = func(site string) func(string, error, time.Duration) {
		calls := requests.MustCurryWith(bySite.Of(site))
		for _, api := range usualAPIs {
			for _, result := range wechat.Results() {
				calls.WithLabelValues(api, result)
			}
		}
		return func(api string, err error, elapsed time.Duration) {
			calls.WithLabelValues(api, wechat.Result(err)).Inc()
			durations.WithLabelValues(api).Observe(elapsed.Seconds())
		}
	}
	return of, register(registry, requests, durations)
}
