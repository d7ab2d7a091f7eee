package gateway

import (
	"cmp"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/wxgate/wxgate/gateway/internal/upgrade"
)

// common is what the sites of one gateway share.
type common struct {
	prefix  string
	trust   trust
	limiter *limiter
	metrics *metrics
	logger  zerolog.Logger
	tracer  trace.Tracer // nil: no tracing

	background *background
	unreadBody time.Duration // see Config.UnreadBodyTimeout
	upgrades   *upgrade.Set  // the WebSockets of visitors
	warnings   warnings
	circles    *circles

	revocations Revocations
}

// warnings are the log messages that clients can trigger.
type warnings struct {
	peer     everyMinute // an address that is not trusted sends headers of a proxy
	rate     everyMinute // an address has used up its logins
	renewal  everyMinute // a session could not be renewed
	shared   everyMinute // logins are not counted over all replicas
	webToken everyMinute // a web token could not be renewed
}

// newCommon returns what the sites of one gateway share.
func newCommon(c Config, errs *fieldErrors) *common {
	prefix := cmp.Or(c.Prefix, "/_wx")
	errs.add("Prefix", CheckPrefix(prefix))
	errs.add("LoginRate", c.LoginRate.check())
	errs.positive("UnreadBodyTimeout", c.UnreadBodyTimeout)
	metrics, err := newMetrics(c)
	errs.add("Metrics", err)
	shared := &common{
		prefix:  prefix,
		trust:   trust(c.TrustedProxies),
		metrics: metrics,
		logger:  c.Logger,
		tracer:  c.Tracer,

		background: newBackground(c.Logger),
		unreadBody: cmp.Or(c.UnreadBodyTimeout, 10*time.Second),
		upgrades:   upgrade.New(metrics.websockets),
		circles:    newCircles(),

		revocations: noRevocations{},
	}
	uncounted := metrics.uncounted.Of(NoSite).Usual(0) // the limit is one for all sites
	shared.limiter = newLimiter(c.LoginRate, newSharing(c.SharedRate, uncounted, shared.countsAlone))
	if shared.limiter != nil && shared.limiter.shared != nil {
		shared.background.tasks = append(shared.background.tasks, shared.limiter.share)
	}
	if c.Revocations != nil {
		shared.revocations = c.Revocations
		shared.background.tasks = append(shared.background.tasks, shared.closeRevoked)
	}
	return shared
}

// isAuth reports whether a path is that of forward auth.
func (c *common) isAuth(path string) bool {
	return path == c.prefix+"/auth" || c.afterAuth(path) != ""
}

// afterAuth returns the part of a path after {prefix}/auth, from its slash on;
// "" if there is none.
func (c *common) afterAuth(path string) string {
	if rest, ok := strings.CutPrefix(path, c.prefix+"/auth"); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return ""
}
