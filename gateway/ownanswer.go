package gateway

import (
	"net/http"
	"strings"
)

// setOwnHeaders adds the headers of every answer of the gateway's own: it is not
// stored, and its address, which may hold a code, is not passed on.
func setOwnHeaders(h http.Header) {
	values := [...]string{"no-store", "no-referrer", "nosniff"} // one allocation: each forward-auth check passes here
	h["Cache-Control"] = values[0:1:1]
	h["Referrer-Policy"] = values[1:2:2]
	h["X-Content-Type-Options"] = values[2:3:3]
}

// redirect sends the visitor on. It is never a 301, which browsers keep: each
// visitor's state is in the address.
func redirect(w *recorder, location string) {
	setOwnHeaders(w.Header())
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
}

// redirectBack sends the visitor back to the site after a login.
func redirectBack(w *recorder, address string) {
	redirect(w, withFragment(address))
}

// withFragment returns address with an empty fragment, unless it has one. A
// redirect without a fragment inherits that of the address before: on the way back
// from WeChat #wechat_redirect, for which hash routers have no page.
func withFragment(address string) string {
	if strings.Contains(address, "#") {
		return address
	}
	return address + "#"
}
