package gateway

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/assertion"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/pathset"
)

// endpoints are the gateway's own endpoints at one site: those under the prefix,
// but for forward auth, and the verification files.
type endpoints struct {
	site        *site
	logins      *logins
	verifyFiles map[string]bool // by path
	plain       *pathset.Set    // the own paths that every reader reads alike
	mux         *http.ServeMux  // of endpoint values
}

// endpoint answers r of visitor v, about which q holds the facts.
type endpoint func(w *recorder, r *http.Request, q *facts, v visitor) error

// ServeHTTP is never called. It lets a ServeMux hold endpoints, which answer
// calls.
func (endpoint) ServeHTTP(http.ResponseWriter, *http.Request) {}

// newEndpoints returns the endpoints of the site that c describes.
func newEndpoints(c Site, s *site, l *logins, errs *fieldErrors) *endpoints {
	e := &endpoints{site: s, logins: l, verifyFiles: make(map[string]bool), mux: http.NewServeMux()}
	own := []string{s.prefix + "/"}
	for _, token := range c.VerifyFiles {
		if err := CheckVerifyFile(token); err != nil {
			errs.add("VerifyFiles", err)
			continue
		}
		name := "/MP_verify_" + token + ".txt"
		if !e.verifyFiles[name] {
			e.mux.Handle("GET "+name, verifyFile(token))
			own = append(own, name)
		}
		e.verifyFiles[name] = true
	}
	if CheckPrefix(s.prefix) != nil { // reported by newCommon; the ServeMux would panic
		return e
	}
	var err error
	e.plain, err = pathset.New(own)
	errs.add("Prefix", err)
	e.routes(c)
	return e
}

// routes registers the endpoints.
func (e *endpoints) routes(c Site) {
	l, prefix := e.logins, e.site.prefix
	sameOrigin := sameOriginOnly(e.site.public.String())
	e.mux.Handle("GET "+prefix+"/login", endpoint(l.login))
	e.mux.Handle("GET "+prefix+"/callback", endpoint(l.callback))
	e.mux.Handle("GET "+prefix+"/config", asJSON(l.pageConfig))
	e.mux.Handle("POST "+prefix+"/session", sameOrigin(asJSON(l.pageSession)))
	e.mux.Handle("GET "+prefix+"/me", asJSON(e.me))
	if c.Tickets != nil {
		e.mux.Handle("GET "+prefix+"/jssdk", asJSON(jssdk{e.site, c.Tickets}.config))
	}
	if assertions := e.site.assertions; assertions != nil {
		e.mux.Handle("GET "+prefix+"/jwks.json", publicKeys(assertions))
	}
	e.mux.Handle("GET "+prefix+"/logout", endpoint(e.logoutPage))
	e.mux.Handle("POST "+prefix+"/logout", sameOrigin(e.logout))
}

// has reports whether a path is the gateway's own. A path that cleans to one
// under the prefix counts too: it must not reach the site in disguise.
func (e *endpoints) has(p string) bool {
	return e.verifyFiles[p] || e.underPrefix(p) ||
		(strings.Contains(p, "/.") || strings.Contains(p, "//")) && e.underPrefix(path.Clean(p))
}

func (e *endpoints) underPrefix(p string) bool {
	rest, ok := strings.CutPrefix(p, e.site.prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// hasPlainly reports whether the path of r is the gateway's own to every reader. A
// proxy in front may go by the encoded path, while has goes by the decoded one.
func (e *endpoints) hasPlainly(r *http.Request) bool {
	sent := rawPath(r)
	return e.plain.Match(r.Method, sent) && !strings.Contains(sent, "%")
}

// answer answers r by its endpoint.
func (e *endpoints) answer(w *recorder, r *http.Request, q *facts, v visitor) error {
	setOwnHeaders(w.Header())
	if path.Clean(r.URL.Path) != r.URL.Path {
		return refusal.NotFound() // the ServeMux would clean it
	}
	found, pattern := e.mux.Handler(r)
	if endpoint, ok := found.(endpoint); ok {
		w.span.setRoute(e.route(pattern))
		w.explained.endpoint("", pattern)
		return endpoint(w, r, q, v)
	}
	return refuseUnrouted(w, r, found)
}

// route returns the path of an endpoint's pattern, without the token of a verification
// file.
func (e *endpoints) route(pattern string) string {
	_, path, _ := strings.Cut(pattern, " ")
	if e.verifyFiles[path] {
		return "/MP_verify_{token}.txt"
	}
	return path
}

// refuseUnrouted refuses a request for which a ServeMux has no endpoint. The
// handler that it has instead answers 404, or 405 with the allowed methods.
func refuseUnrouted(w *recorder, r *http.Request, instead http.Handler) error {
	probe := &statusProbe{header: make(http.Header)}
	instead.ServeHTTP(probe, r)
	if probe.status != http.StatusMethodNotAllowed {
		return refusal.NotFound()
	}
	w.Header().Set("Allow", probe.header.Get("Allow"))
	return refusal.MethodNotAllowed()
}

// statusProbe is a ResponseWriter that keeps only status and header.
type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header         { return p.header }
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *statusProbe) WriteHeader(status int)      { p.status = status }

// asJSON makes an endpoint answer its errors as JSON in any case.
func asJSON(next endpoint) endpoint {
	return func(w *recorder, r *http.Request, q *facts, v visitor) error {
		err := next(w, r, q, v)
		if err == nil || errors.Is(err, errVisitorLeft) {
			return err
		}
		return refusal.Of(err).In(refusal.FormJSON)
	}
}

// sameOriginOnly returns a function that makes an endpoint refuse cross-origin
// requests of browsers.
func sameOriginOnly(public string) func(endpoint) endpoint {
	protection := http.NewCrossOriginProtection()
	// A proxy may change the Host. Without Sec-Fetch-Site, Check compares Origin
	// with Host and would refuse the site's own pages. New refuses an origin that
	// does not parse.
	_ = protection.AddTrustedOrigin(public)
	return func(next endpoint) endpoint {
		return func(w *recorder, r *http.Request, q *facts, v visitor) error {
			// Check compares hosts alone.
			downgraded := strings.HasPrefix(public, "https:") && strings.HasPrefix(r.Header.Get("Origin"), "http:")
			if downgraded || protection.Check(r) != nil {
				return refusal.NotAllowed()
			}
			return next(w, r, q, v)
		}
	}
}

// publicKeys serves the keys by which assertions are verified.
func publicKeys(assertions *assertion.Issuer) endpoint {
	return func(w *recorder, r *http.Request, _ *facts, _ visitor) error {
		assertions.ServeKeys(w, r)
		return nil
	}
}

// verifyFile serves WeChat's domain verification file of a token: the token
// without a line end.
func verifyFile(token string) endpoint {
	return func(w *recorder, _ *http.Request, _ *facts, _ visitor) error {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, token) // the client may have left
		return nil
	}
}
