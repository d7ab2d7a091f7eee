package gateway

import (
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/pathset"
)

// isOwn reports whether a path belongs to the gateway. A path that cleans to
// one of its own counts too: it must not reach the site under a disguise.
func (g *guard) isOwn(p string) bool {
	if _, ok := g.verifyFiles[p]; ok {
		return true
	}
	return g.underPrefix(p) || strings.Contains(p, "/.") && g.underPrefix(path.Clean(p)) ||
		strings.Contains(p, "//") && g.underPrefix(path.Clean(p))
}

func (g *guard) underPrefix(p string) bool {
	rest, ok := strings.CutPrefix(p, g.prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// newOwnPaths returns the paths that are the gateway's own to every reader. isOwn
// goes by the decoded path; a proxy in front of it may not.
func (g *guard) newOwnPaths() (*pathset.Set, error) {
	return pathset.New(append(slices.Collect(maps.Keys(g.verifyFiles)), g.prefix+"/"))
}

// routes returns the gateway's own endpoints.
func (g *guard) routes() http.Handler {
	mux := http.NewServeMux()
	sameOrigin := http.NewCrossOriginProtection()
	// A proxy in front may have given the request another Host, to which a
	// browser without Sec-Fetch-Site would look like a stranger.
	if err := sameOrigin.AddTrustedOrigin(g.publicURL.String()); err != nil {
		panic(err) // parseOrigin lets nothing pass that is no origin
	}
	sameOrigin.SetDenyHandler(g.handle(func(http.ResponseWriter, *http.Request) error {
		return &failure{Status: http.StatusForbidden, Word: wordNotAllowed}
	}))
	mux.Handle("GET "+g.prefix+"/login", g.handle(g.loginEndpoint))
	mux.Handle("GET "+g.prefix+"/callback", g.handle(g.callback))
	mux.Handle("GET "+g.prefix+"/config", g.handle(g.pageConfig))
	mux.Handle("POST "+g.prefix+"/session", sameOrigin.Handler(g.handle(g.pageSession)))
	mux.Handle("GET "+g.prefix+"/me", g.handle(g.me))
	if g.tickets != nil {
		mux.Handle("GET "+g.prefix+"/jssdk", g.handle(g.jssdk))
	}
	if g.assertions != nil {
		mux.Handle("GET "+g.prefix+"/jwks.json", http.HandlerFunc(g.assertions.ServeKeys))
	}
	mux.Handle("GET "+g.prefix+"/logout", g.handle(g.logoutPage))
	mux.Handle("POST "+g.prefix+"/logout", sameOrigin.Handler(g.handle(g.logout)))
	for name, token := range g.verifyFiles {
		mux.Handle("GET "+name, verifyFile(token))
	}
	return g.ownHeaders(g.refuseUnrouted(mux))
}

// ownHeaders adds what every answer of the gateway's own endpoints carries:
// nothing is kept, and no address (which may hold a code) is told on.
func (g *guard) ownHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setOwnHeaders(w.Header())
		next.ServeHTTP(w, r)
	})
}

func setOwnHeaders(h http.Header) {
	values := [...]string{"no-store", "no-referrer", "nosniff"} // one allocation: each check of forward auth passes here
	h["Cache-Control"] = values[0:1:1]
	h["Referrer-Policy"] = values[1:2:2]
	h["X-Content-Type-Options"] = values[2:3:3]
}

// refuseUnrouted answers what mux has no handler for in the gateway's own
// words, and keeps from mux the paths that it would redirect.
func (g *guard) refuseUnrouted(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.isAuth(r.URL.Path) { // any method, and whatever path behind it
			g.forwardAuth(w, r)
			return
		}
		handler, pattern := mux.Handler(r)
		switch {
		case path.Clean(r.URL.Path) != r.URL.Path:
			g.fail(w, r, &failure{Status: http.StatusNotFound, Word: wordNotFound})
		case pattern != "":
			handler.ServeHTTP(w, r)
		default:
			// mux answers 404, or 405 with the methods that are allowed; only
			// its status and Allow header are of use.
			probe := &statusProbe{header: make(http.Header)}
			handler.ServeHTTP(probe, r)
			if probe.status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", probe.header.Get("Allow"))
				g.fail(w, r, &failure{Status: http.StatusMethodNotAllowed, Word: wordMethodNotAllowed})
				return
			}
			g.fail(w, r, &failure{Status: http.StatusNotFound, Word: wordNotFound})
		}
	})
}

// statusProbe is a response that nobody reads.
type statusProbe struct {
	header http.Header
	status int
}

func (p *statusProbe) Header() http.Header         { return p.header }
func (p *statusProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *statusProbe) WriteHeader(status int)      { p.status = status }

// verifyFiles returns the paths and contents of WeChat's domain verification
// files: a file named for its token holds the token, without a line end.
func verifyFiles(tokens []string) map[string]string {
	files := make(map[string]string, len(tokens))
	for _, token := range tokens {
		files["/MP_verify_"+token+".txt"] = token
	}
	return files
}

func verifyFile(token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, token)
	})
}
