// Package gateway puts WeChat sign-in in front of a web app.
//
// A [Gateway] is an [http.Handler]. It sends visitors without a session to
// WeChat, handles the way back, keeps who they are in a sealed cookie, and
// forwards their requests to the app with identity headers (X-WX-OpenID and
// its companions) that no client can set itself. [Gateway.Wrap] does the same
// for a handler in the same process, which asks [IdentityFrom].
//
// Every request, through whichever door, is answered by one decision over
// plain values: forward as this visitor, forward as nobody, send to the login,
// or refuse. Beside the two doors above there are two for proxies that only ask:
// {prefix}/auth over HTTP (forward auth), and [Gateway.Authorize] (ext_authz).
//
// What this package exports is stable: within a major version nothing of it is
// taken away or comes to mean something else.
package gateway

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/rs/zerolog"
)

// Gateway guards a web app, or several. It is safe for concurrent use; make one
// with [New].
type Gateway struct {
	*shared
	only    *guard // of the one site, whatever the host; nil: there are several
	nowhere *guard // of hosts that are no site's
}

// shared is what the guards of one gateway have in common.
type shared struct {
	prefix    string
	trust     trust
	limiter   *limiter
	metrics   *metrics
	buffers   *bufferPool
	byHost    map[string]*guard // of several sites, by canonical host
	logger    zerolog.Logger
	accessLog bool
}

// New returns a gateway for the given configuration, or an error that says
// which field is wrong. It opens no connection.
func New(c Config) (*Gateway, error) {
	metrics, err := newMetrics(c.Metrics)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g := &Gateway{shared: &shared{
		prefix:    cmp.Or(c.Prefix, "/_wx"),
		trust:     trust(c.TrustedProxies),
		limiter:   newLimiter(c.LoginRate),
		metrics:   metrics,
		buffers:   newBufferPool(),
		logger:    c.Logger,
		accessLog: c.AccessLog,
	}}
	b := newBuilder(g.shared)
	if len(c.Sites) == 0 {
		g.only, err = b.guard(c)
	} else {
		err = g.addSites(c, b)
	}
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	return g, nil
}

// ServeHTTP answers r itself, or forwards it to an upstream with the visitor's
// identity.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.guardOf(r).serve(w, r, func(g *guard, w *recorder, r *http.Request, v *visit) error {
		return g.answer(w, r, v, g.proxy)
	})
}

// Wrap returns a handler that guards next, a handler in this process, as the
// gateway guards an upstream: next sees only requests that may pass, with the
// identity headers set, the gateway's cookies taken out, and [IdentityFrom]
// telling who asks.
func (g *Gateway) Wrap(next http.Handler) http.Handler {
	site := inProcess(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.guardOf(r).serve(w, r, func(g *guard, w *recorder, r *http.Request, v *visit) error {
			return g.answer(w, r, v, site)
		})
	})
}

// Authorize answers for a proxy that asks before it forwards r, the visitor's
// own request as that proxy has it, RemoteAddr and all. The answer is never the
// site's. Where it is 200, the request may pass, and the answer's header holds
// the identity headers to set on it (X-WX-OpenID, empty for a visitor without a
// session, where the path is public), the Cookie header to put in place of the
// request's where that has to change, and maybe a Set-Cookie for the visitor.
// Any other answer is the visitor's: a redirect to the login, 401, 403, or what
// else is the matter.
//
// Package [github.com/wxgate/wxgate/gateway/extauthz] asks it for Envoy.
// {prefix}/auth does the same for proxies that ask over HTTP.
func (g *Gateway) Authorize(w http.ResponseWriter, r *http.Request) {
	g.guardAt(r.Host).serve(w, r, (*guard).extAuthz)
}
