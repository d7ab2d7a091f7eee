package gateway

import (
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/gateway/internal/pages"
)

// keepsFragment reports whether a page load that has to sign in is first shown
// the page that reads the fragment: it has to be one that shows HTML.
func (g *guard) keepsFragment(r *http.Request) bool {
	if !g.keepFragment || r.Method != http.MethodGet {
		return false
	}
	// What is in a frame has an address that nobody sees, and the page would
	// not be shown there.
	if destination := r.Header.Get("Sec-Fetch-Dest"); destination != "" && destination != "document" {
		return false
	}
	html, _ := accepts(r.Header.Values("Accept"))
	return html
}

// readFragment answers with the page that adds the fragment to target and goes on
// to the login, with the given status. It does not start the login itself.
func (g *guard) readFragment(w http.ResponseWriter, status int, target string) {
	returnTo := url.QueryEscape(g.returnTo(target))
	pages.WriteFragment(w, status, g.publicURL.String()+g.prefix+"/login?return_to="+returnTo)
}
