package gateway

import (
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"
)

// Config describes a [Gateway]. Sites is required; every other field has a
// useful zero value.
type Config struct {
	// Sites are what the gateway stands in front of. The host of a request says
	// which site it is for; a host of no site gets 421. A gateway's only site
	// answers at any host, unless its Hosts are set.
	Sites []Site
	// Prefix is the path of the gateway's own endpoints; default "/_wx".
	Prefix string
	// TrustedProxies are the addresses whose X-Forwarded-*, X-Original-* and
	// X-Request-ID headers are believed; default none.
	TrustedProxies []netip.Prefix
	// LoginRate limits how often one client address starts or finishes a login or
	// gets a signature for the JS-SDK, over all sites; the zero value is no limit.
	LoginRate Rate
	// SharedRate makes LoginRate count over all replicas, while [Gateway.Run] runs;
	// nil: each replica counts for itself, as it does while SharedRate fails.
	SharedRate SharedRate
	// Revocations ends sessions on all replicas; nil: none are revoked. [Gateway.Run]
	// closes the WebSockets of revoked visitors. Event streams of upstreams end before
	// their next event. Other requests that have begun go on.
	Revocations Revocations
	// PagesDir is [Site.PagesDir] for hosts of no site.
	PagesDir string
	// UnreadBodyTimeout limits the wait for a request body that the gateway does
	// not forward; default 10 seconds. For one that it forwards there is no limit:
	// a server that strangers can reach needs limits of its own for clients that
	// stop sending, or stop reading.
	UnreadBodyTimeout time.Duration

	// Logger receives access lines and errors; the zero value discards them.
	Logger zerolog.Logger
	// AccessLog writes a line per request.
	AccessLog bool
	// AccessLogSkip is [Site.AccessLogSkip] for hosts of no site.
	AccessLogSkip []string
	// Metrics is where the gateway registers its metrics; nil: nowhere. With several
	// sites, counters have the label site: the host of the public URL, or [NoSite].
	// Calls to WeChat are counted by [ObserveWeChat] or [ObserveWeChatBySite].
	Metrics prometheus.Registerer
	// Tracer makes spans of requests, of what is decided about them, and of the
	// requests to upstreams; nil: there are none. The spans are children of one in the
	// request's context, or of the one that a trusted proxy names in traceparent.
	// Upstreams get traceparent, tracestate and, from trusted proxies, baggage. The
	// calls of WeChat and Redis for a request add their own spans.
	Tracer trace.Tracer
}
