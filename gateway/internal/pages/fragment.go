package pages

import (
	"net/http"
	"sync"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// A browser does not send the fragment of an address, the part after #, to a
// server; a site with a hash router keeps its whole location there. To keep it
// over a login, this page adds it to return_to before the browser goes to WeChat.

// fragmentScript goes to the login, whose address ends in the value of
// return_to. It replaces the page that it runs on, so that the back button does
// not return to it.
const fragmentScript = `location.replace(document.documentElement.dataset.login + encodeURIComponent(location.hash));`

var fragmentPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("fragment").Parse(`<!doctype html>
<html lang="zh-CN" data-login="{{.}}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>…</title>
<link rel="icon" href="data:,">
<noscript><p><a href="{{.}}">继续 · <span lang="en">Continue</span></a></p></noscript>
<script>` + fragmentScript + `</script>
`))
})

// WriteFragment answers with the page that adds the fragment of its own address
// to loginAddress and goes there. The last parameter of loginAddress has to be
// return_to. The page does not start the login itself.
func WriteFragment(w http.ResponseWriter, status int, loginAddress string) {
	setHeaders(w.Header(), "default-src 'none'; script-src "+hashSource(fragmentScript)+
		"; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	fragmentPage().Execute(w, loginAddress) // fails only if the visitor left
}
