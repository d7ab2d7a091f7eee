// Package gateway puts WeChat sign-in in front of web apps.
//
// A [Gateway] is an [http.Handler]. It redirects visitors without a session to
// WeChat, handles the callback, keeps their identity in an encrypted cookie, and
// forwards their requests to the app with identity headers (X-WX-OpenID and its
// companions) that no client can set. [Gateway.Wrap] does the same for a handler
// in the same process, which calls [IdentityFrom].
//
// A request reaches a site through one of four entry points, called doors: the
// reverse proxy, Wrap, forward auth ({prefix}/auth, over HTTP) and
// [Gateway.Authorize] (Envoy's ext_authz). All of them act on the verdict of one
// function, policy.decide: pass as this visitor, pass as nobody, sign in, or
// refuse.
//
// The exported API of this package and of those below it is stable: within a
// major version nothing is removed or changes its meaning. Fields may be added to
// structs, so name the fields in composite literals. Texts of errors, log lines
// and pages may change.
package gateway

import (
	"context"
	"net/http"
	"slices"

	"github.com/wxgate/wxgate/gateway/watch"
)

// Gateway guards one or more sites. It is safe for concurrent use; make one with
// [New].
type Gateway struct {
	hosts      hosts
	background *background
	files      []File
}

// New returns the gateway that c describes. An invalid configuration is a
// [*ConfigError], which names every field that is wrong. New opens no connection
// and changes nothing of what c points to.
func New(c Config) (*Gateway, error) {
	whole := &fieldErrors{site: -1}
	shared := newCommon(c, whole)
	builder := newBuilder(shared)
	sites, errs := builder.sites(c.Sites)
	hosts := newHosts(c, shared, sites, whole)
	if errs = append(whole.fields, errs...); len(errs) > 0 {
		return nil, &ConfigError{errs}
	}
	return &Gateway{hosts, shared.background, builder.files}, nil
}

// Run rereads the files of the configuration after they change: openid lists and
// assertion keys. Without it, they stay as they were when New read them. It also
// has logins counted over all replicas, see [Config.SharedRate], and closes the
// WebSockets of visitors whose sessions [Config.Revocations] has revoked, with status
// 1008 (policy violation), within about two seconds. When ctx ends, Run closes the idle
// connections to the upstreams, gives up the questions to WeChat that no request waits
// for, and returns when none is left and no file is being read. Call it once, beside
// the server, and end ctx after the server's Shutdown.
func (g *Gateway) Run(ctx context.Context) { g.background.run(ctx) }

// Reread makes Run read the files at once, for an operator who does not want to
// wait. It returns before they are read.
func (g *Gateway) Reread() {
	for _, file := range g.background.files {
		file.Reread()
	}
}

// A File is a file of the configuration that [Gateway.Run] rereads. Several sites may
// name the same one.
type File struct {
	Site   int    // index in [Config.Sites]
	Field  string // name of the [Site]'s field, such as "DenyOpenIDsFile"
	Status func() watch.Status
}

// Files returns the files that Run rereads, in the order of the sites.
func (g *Gateway) Files() []File { return slices.Clone(g.files) }

// ServeHTTP answers r itself, or forwards it to an upstream with the visitor's
// identity. It returns once a WebSocket of an upstream is open. The WebSocket goes
// on until either side or [Gateway.Shutdown] ends it; r's context does not.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.hosts.serve(w, r, g.hosts.of(r), (*doors).proxy)
}

// Shutdown waits until all WebSockets have ended, and any other connection that a
// handler behind [Gateway.Wrap] has hijacked: [http.Server.Shutdown] does not wait
// for these. If ctx ends first, Shutdown sends the clients of the open WebSockets a
// close frame with status 1001 (going away), between two frames of the site, gives
// them a second to answer, closes all these connections, and returns an error that
// wraps that of ctx. No connection is upgraded after that.
//
// Call it after the server's Shutdown has returned, with the same ctx: a request
// that is still in flight may be about to upgrade its connection.
func (g *Gateway) Shutdown(ctx context.Context) error { return g.hosts.upgrades.Shutdown(ctx) }

// Wrap returns a handler that guards next, a handler in this process, as the
// gateway guards an upstream: next gets only requests that may pass, with the
// identity headers set and the gateway's cookies removed, and [IdentityFrom]
// returns the visitor.
func (g *Gateway) Wrap(next http.Handler) http.Handler {
	app := &wrapped{next}
	through := func(d *doors, w *recorder, r *http.Request, q *facts) error {
		return d.enter(w, r, q, app)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.hosts.serve(w, r, g.hosts.of(r), through)
	})
}

// Authorize answers a proxy that asks before it forwards r, the visitor's own
// request with the RemoteAddr that the proxy saw. A 200 lets the request pass:
// its header holds the identity headers to set on the request (X-WX-OpenID,
// empty on a public path without a session), the Cookie header that replaces the
// request's if that has to change, and possibly a Set-Cookie for the visitor. Any
// other answer is for the visitor: a redirect to the login, 401, 403 and so on.
//
// Package [github.com/wxgate/wxgate/gateway/extauthz] calls it for Envoy;
// {prefix}/auth does the same for proxies that ask over HTTP.
func (g *Gateway) Authorize(w http.ResponseWriter, r *http.Request) {
	g.hosts.serve(w, r, g.hosts.at(r.Host), (*doors).extAuthz)
}
