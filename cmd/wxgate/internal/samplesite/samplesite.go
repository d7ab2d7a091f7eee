// Package samplesite is the H5 site behind the gateway in "wxgate demo", an
// example for sites behind wxgate. It does not call WeChat, holds no secret and
// keeps no session; it reads the visitor's identity from the request's X-WX-…
// headers. Such a site must be reachable through the gateway only: any other
// client could set these headers itself.
package samplesite

import (
	"embed"
	"net/http"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

//go:embed pages static
var assets embed.FS

// Handler returns the site. Its [PublicPaths] are for everybody, all other paths
// for visitors who have signed in. It keeps no state and is safe for concurrent
// use. A stream of /events and a WebSocket of /ws last until the browser leaves
// or the request's context ends.
func Handler() http.Handler {
	p := pages{template.Must(template.New("").Funcs(functions).ParseFS(assets, "pages/*.html"))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.serve("index.html"))
	mux.HandleFunc("GET /about", p.serve("about.html"))
	mux.HandleFunc("GET /guest", p.serve("guest.html"))
	mux.HandleFunc("GET /api/me", me)
	mux.HandleFunc("POST /api/orders", placeOrder)
	mux.HandleFunc("GET /ws", echo)
	mux.HandleFunc("GET /events", events)
	mux.HandleFunc("GET /static/{name}", func(w http.ResponseWriter, r *http.Request) {
		serveStatic(w, r, r.PathValue("name"))
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		serveStatic(w, r, "favicon.svg")
	})
	return protect(http.NewCrossOriginProtection().Handler(mux))
}

func serveStatic(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	http.ServeFileFS(w, r, assets, "static/"+name)
}

// protect sets the headers that let browsers run this site's own scripts only. The
// visitor's picture may be at one of WeChat's hosts.
func protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store") // an answer is for one visitor only
		h.Set("Content-Security-Policy",
			"default-src 'self'; img-src 'self' https:; object-src 'none'; "+
				"base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		// Not no-referrer, which makes the Origin of the sign-out form "null": the
		// gateway refuses that from a browser that sends no Sec-Fetch-Site.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// PublicPaths returns the paths that need no visitor, as [http.ServeMux] patterns
// for the gateway.
func PublicPaths() []string {
	return []string{"/static/", "/about", "/guest", "/favicon.ico"}
}
