package relay

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/wxgate/wxgate/gateway/internal/headers"
	"github.com/wxgate/wxgate/gateway/internal/refusal"
	"github.com/wxgate/wxgate/gateway/origin"
)

// parseHosts returns the canonical forms of hosts.
func parseHosts(hosts []string) (map[string]bool, error) {
	set := make(map[string]bool)
	for _, text := range hosts {
		host, err := origin.ParseHost(text)
		if err != nil {
			return nil, fmt.Errorf("host %q: %w", text, err)
		}
		set[origin.Canonical(host)] = true
	}
	return set, nil
}

// refuse returns why r is not forwarded; nil if it is. The page of a site whose
// domain points to the relay's address (DNS rebinding) is known by the host that it
// asks for, any other page by its browser: pages could otherwise make calls for the
// account wherever somebody on the private network opens them.
func (l *Relay) refuse(r *http.Request) *refusal.Error {
	switch {
	case !origin.IsPrivate(r.Host) && !l.hosts[origin.Canonical(r.Host)]:
		e := refusal.UnknownSite()
		e.Message = "The relay does not respond to requests for this host: see WXGATE_RELAY_HOSTS."
		return e
	case headers.FromBrowser(r.Header):
		return refusal.NotForBrowsers("The relay")
	case !l.allowed(r):
		e := refusal.NotAllowed()
		e.Message = "The relay does not forward this call: see WXGATE_RELAY_PATHS."
		return e
	}
	return nil
}

// allowed reports whether Paths has r's path. Calls that return a token are never
// allowed: one of cgi-bin/token would also invalidate the token in use.
func (l *Relay) allowed(r *http.Request) bool {
	if strings.Contains(r.RequestURI, " ") {
		return false // HTTP/2 can carry a space, but a request line of HTTP/1 would end there
	}
	switch strings.ToLower(strings.TrimSuffix(r.URL.Path, "/")) {
	case "/cgi-bin/token", "/cgi-bin/stable_token":
		return false
	}
	return headers.IsToken(r.Method) && r.Method != http.MethodConnect && l.paths.Match(r.Method, r.URL.EscapedPath())
}
