package gateway

import (
	"html/template"
	"net/http"
	"net/url"
)

// What stands behind the # of an address, which is all there is of a page to a
// hash router, is not sent to a server. Where it is to survive a login, a small
// page adds it to return_to before the visitor leaves for WeChat.

// fragmentScript goes on to the login, whose address ends in the value of
// return_to. It takes the place of the page that it runs on, so that the back
// button does not lead there.
const fragmentScript = `location.replace(document.documentElement.dataset.login + encodeURIComponent(location.hash));`

var fragmentPage = template.Must(template.New("fragment").Parse(`<!doctype html>
<html lang="zh-CN" data-login="{{.}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>…</title>
<link rel="icon" href="data:,">
<noscript><p><a href="{{.}}">继续 · <span lang="en">Continue</span></a></p></noscript>
<script>` + fragmentScript + `</script>
`))

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
// to the login, under the given status. It begins no login itself.
func (g *guard) readFragment(w http.ResponseWriter, status int, target string) {
	address := g.publicURL.String() + g.prefix + "/login?return_to=" + url.QueryEscape(g.returnTo(target))
	h := w.Header()
	setOwnHeaders(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src "+scriptSource(fragmentScript)+
		"; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	fragmentPage.Execute(w, address) // a visitor who left is no error
}
