package gateway

import (
	"net/http"
	"slices"
	"strings"
)

// navigation reports whether r is a page load, whose visitor can be sent
// somewhere else, rather than the request of a script or a program, which can
// not. Browsers say so in Sec-Fetch-Mode; for older ones it is guessed from
// what they accept.
func navigation(r *http.Request) bool {
	is, _ := whyNavigation(r)
	return is
}

// whyNavigation returns [navigation] and what in r decides it.
func whyNavigation(r *http.Request) (is bool, why string) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return false, "the method is neither GET nor HEAD"
	case fromScript(r):
		return false, "X-Requested-With is XMLHttpRequest, or there is an Upgrade"
	case len(r.Header.Values("Sec-Fetch-Mode")) > 0:
		if navigates(r) {
			return true, "Sec-Fetch-Mode is navigate"
		}
		return false, "Sec-Fetch-Mode is not navigate"
	}
	html, anything := accepts(r.Header.Values("Accept"))
	switch {
	case html:
		return true, "no Sec-Fetch-Mode, and Accept names text/html"
	case !anything:
		return false, "no Sec-Fetch-Mode, and Accept names neither text/html nor */*"
	case strings.HasPrefix(r.UserAgent(), "Mozilla/"):
		return false, "no Sec-Fetch-Mode, Accept does not name text/html, and the User-Agent begins with Mozilla/"
	default:
		return true, "no Sec-Fetch-Mode, Accept allows anything, and the User-Agent does not begin with Mozilla/"
	}
}

// formSent reports whether r is a form that a browser sends as a page load: the
// visitor looks at the answer, but cannot be sent somewhere else without losing
// what they have filled in. It does not guess for browsers without
// Sec-Fetch-Mode: a script may read the answer.
func formSent(r *http.Request) bool {
	return r.Method == http.MethodPost && navigates(r) && !fromScript(r)
}

// navigates reports whether a browser says that r loads a page.
func navigates(r *http.Request) bool {
	mode := r.Header.Values("Sec-Fetch-Mode")
	return len(mode) == 1 && mode[0] == "navigate"
}

// fromScript reports whether r says that it comes from a script, or wants another
// protocol.
func fromScript(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("X-Requested-With"), isXHR) || len(r.Header.Values("Upgrade")) > 0
}

// isXHR reports whether a value of X-Requested-With is that of a script. Android's
// web view sends the name of its app, such as com.tencent.mm, with page loads too.
func isXHR(value string) bool { return strings.EqualFold(value, "XMLHttpRequest") }

// accepts reports whether the Accept headers name text/html, and whether they
// (or their absence) allow anything at all.
func accepts(headers []string) (html, anything bool) {
	empty := true
	for _, header := range headers {
		for item := range strings.SplitSeq(header, ",") {
			media, parameters, _ := strings.Cut(item, ";")
			media = strings.TrimSpace(media)
			if media == "" {
				continue
			}
			empty = false
			if refused(parameters) {
				continue
			}
			html = html || strings.EqualFold(media, "text/html")
			anything = anything || media == "*/*"
		}
	}
	return html, anything || empty
}

// refused reports whether the parameters of an accepted type say q=0.
func refused(parameters string) bool {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			value = strings.TrimSpace(value)
			return strings.HasPrefix(value, "0") && strings.Trim(value, "0.") == ""
		}
	}
	return false
}
