package gateway

import (
	"net/http"
	"net/url"

	"github.com/wxgate/wxgate/gateway/internal/pages"
)

// beforeLogin are the pages that a page load may get instead of a redirect to the
// login.
type beforeLogin struct {
	site         *site
	keepFragment bool
}

// openInWeChat shows the page that asks to open the address in WeChat.
func (b beforeLogin) openInWeChat(w *recorder, r *http.Request, address string) {
	setOwnHeaders(w.Header())
	b.site.pages.Render(w, r, http.StatusOK, pages.OpenInWeChat, pages.Data{Address: address})
}

// keepsFragment reports whether page load r is answered by the page that reads
// the fragment before the login: it has to be one that shows HTML.
func (b beforeLogin) keepsFragment(r *http.Request) bool {
	if !b.keepFragment || r.Method != http.MethodGet {
		return false
	}
	// The address of a frame is not seen by the visitor, and browsers would not
	// show the page in it.
	if destination := r.Header.Get("Sec-Fetch-Dest"); destination != "" && destination != "document" {
		return false
	}
	html, _ := accepts(r.Header.Values("Accept"))
	return html
}

// readFragment answers with the page that adds the fragment to target and goes on
// to the login. It starts no login itself.
func (b beforeLogin) readFragment(w *recorder, status int, target string) {
	setOwnHeaders(w.Header())
	address := b.site.publicURL + b.site.prefix + "/login?return_to=" + url.QueryEscape(b.site.returnTo(target))
	pages.WriteFragment(w, status, address)
}
