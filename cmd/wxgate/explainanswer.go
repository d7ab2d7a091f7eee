package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/gateway/origin"
)

// sentence says what the gateway does, in one sentence.
func (e *explainer) sentence(a explainedAnswer) string {
	c := e.site(a)
	switch {
	case a.Site < 0:
		return "421: no site has the host of this request."
	case a.asks && a.Action != "":
		return "asks WeChat whether the visitor follows the account, and decides by the answer."
	case a.asks:
		return "asks WeChat, whose answer decides: " + ownPurpose(c, a.Endpoint) + "."
	case a.Upstream.URL != nil && a.Action == gateway.ActionPassVisitor:
		return "forwarded to " + a.Upstream.URL.String() + " as the visitor."
	case a.Upstream.URL != nil:
		return "forwarded to " + a.Upstream.URL.String() + " without identity."
	case a.Endpoint != "":
		return fmt.Sprintf("%d: wxgate's own endpoint answers: %s.", a.status, ownPurpose(c, a.Endpoint))
	case a.Outcome == "login":
		return fmt.Sprintf("%d: %s.", a.status, loginSentence(c, a))
	case a.Outcome == "own":
		return fmt.Sprintf("%d: refused with %s: the path is wxgate's own.", a.status, form(a.header))
	default:
		return fmt.Sprintf("%d: refused with %s; nothing is forwarded.", a.status, form(a.header))
	}
}

// loginSentence says where a page load that has to sign in is sent.
func loginSentence(c *config.Config, a explainedAnswer) string {
	location := a.header.Get("Location")
	switch public := c.PublicURL.String(); {
	case a.Action == gateway.ActionUseHTTPS:
		return "redirects to the same address at https"
	case a.Action == gateway.ActionOpenInWeChat:
		return "shows a page that asks to open the address in WeChat"
	case location == "":
		return "shows a small page that keeps the part after # and goes on to the login"
	case strings.HasPrefix(location, public+c.Prefix+"/login"):
		return "redirects to the login at the public URL, " + public
	case !c.HubURL.IsZero():
		return "redirects to the hub, where the visitor signs in"
	case strings.Contains(location, "/connect/qrconnect"):
		return "redirects to WeChat's scan login"
	default:
		return "redirects to WeChat, where the visitor signs in"
	}
}

// form says in which form a refusal is.
func form(h http.Header) string {
	if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		return "a page"
	}
	return "JSON"
}

// ownPurpose says what an own endpoint is for, as the gateway names it.
func ownPurpose(c *config.Config, endpoint string) string {
	_, path, found := strings.Cut(endpoint, " ")
	if !found {
		path = endpoint
	}
	if strings.HasPrefix(path, "/MP_verify_") {
		return path + " is a verification file (WXGATE_VERIFY_FILES)"
	}
	purposes := map[string]string{
		"/login": "starts a login", "/callback": "finishes a login", "/config": "starts a login for a page",
		"/session": "finishes a page's login", "/me": "tells a page who its visitor is",
		"/jssdk": "signs an address for the JS-SDK", "/jwks.json": "publishes the keys of the assertions",
		"/logout": "signs the visitor out", "/auth": "answers a proxy that asks",
	}
	return path + " " + cmp.Or(purposes[strings.TrimPrefix(path, c.Prefix)], "is wxgate's")
}

// reasons returns a line for each rule, and, if WeChat is not asked, lines with the answer and the request that
// the upstream gets.
func (e *explainer) reasons(a explainedAnswer) []string {
	c := e.site(a)
	lines := append(e.siteLines(a), e.hostLine(c)...)
	lines = append(lines, ruleLines(c, a)...)
	lines = append(lines, e.redisLine(c)...)
	if e.ask.scheme == "http" && c.PublicURL.Scheme == "https" && !e.peer().trusted {
		lines = append(lines, "http: only an address in WXGATE_TRUSTED_PROXIES can say so (X-Forwarded-Proto); "+
			"wxgate takes the request for one by https")
	}
	if a.Outcome == "login" && a.Action == gateway.ActionSignIn && a.header.Get("Location") == "" {
		lines = append(lines, variableLine(c, "fragment", "WXGATE_KEEP_FRAGMENT"))
	}
	if strings.HasPrefix(a.Endpoint, "POST ") {
		lines = append(lines, bodyLine(c, a))
	}
	if a.asks {
		return append(lines, askedLine(c, a))
	}
	if a.Upstream.URL != nil {
		lines = append(lines, e.upstreamLines(c, a)...)
	}
	if allow := a.header.Get("Allow"); allow != "" {
		lines = append(lines, "allow: "+allow)
	}
	if location := a.header.Get("Location"); location != "" {
		lines = append(lines, "location: "+withoutState(location))
	}
	if a.Outcome != "" {
		lines = append(lines, "outcome: "+a.Outcome)
	}
	return lines
}

// siteLines says which of several sites answers.
func (e *explainer) siteLines(a explainedAnswer) []string {
	switch {
	case len(e.cfg.Sites) == 0:
		return nil
	case a.Site < 0:
		var hosts, lines []string
		for _, site := range e.cfg.Sites {
			hosts = append(hosts, site.Hosts...)
			held := strings.Join(site.Hosts, ",")
			lines = append(lines, fmt.Sprintf("421: %s_HOSTS %q: does not hold the host", site.Name, held))
		}
		return append(lines, "421: the sites' hosts are "+strings.Join(hosts, ", "))
	default:
		site := e.cfg.Sites[a.Site]
		return []string{fmt.Sprintf("site: %s_HOSTS %q", site.Name, strings.Join(site.Hosts, ","))}
	}
}

// hostLine says what another host than the public URL's means to a single site.
func (e *explainer) hostLine(c *config.Config) []string {
	host := e.ask.host
	if given, ok := e.ask.header("Host"); ok {
		host = strings.Join(given, "")
	}
	if len(e.cfg.Sites) > 0 || host == "" || origin.Canonical(host) == origin.Canonical(c.PublicURL.Host) {
		return nil
	}
	return []string{variableLine(c, "host", "WXGATE_PUBLIC_URL") + ": has another host than this request: " +
		"a single site answers to any, but a login always ends at the public URL"}
}

// ruleLines returns the lines of the rules, without those that WeChat's answer decides.
func ruleLines(c *config.Config, a explainedAnswer) []string {
	var lines []string
	for _, rule := range a.Rules {
		if !a.asks || !isAfterAsking(rule) {
			lines = append(lines, ruleLine(c, rule))
		}
	}
	return lines
}

// ruleLine returns the line of a rule, with the variable that sets its field.
func ruleLine(c *config.Config, r gateway.Rule) string {
	if r.Field == "" {
		return r.Name + ": " + r.Text
	}
	variable := cmp.Or(fieldVariables[r.Field], r.Field)
	line := variableLine(c, r.Name, variable)
	if r.Value != "" {
		line = fmt.Sprintf("%s: %s %q", r.Name, c.NameOf(variable), r.Value)
	}
	if r.Text != "" {
		line += ": " + r.Text
	}
	return line
}

// variableLine returns a line with a variable as it was set, and its value.
func variableLine(c *config.Config, name, variable string) string {
	set := c.Fault(variable, "")
	return strings.TrimSuffix(name+": "+set.Name+" "+set.Given, " ")
}

// upstreamLines says what the upstream gets.
func (e *explainer) upstreamLines(c *config.Config, a explainedAnswer) []string {
	u := a.Upstream.URL.String()
	if len(c.Upstream) > 1 {
		u = a.Upstream.Prefix + "=" + u
	}
	lines := []string{fmt.Sprintf("upstream: %s %q", c.NameOf("WXGATE_UPSTREAM"), u)}
	lines = append(lines, e.identityLines(a.Identity)...)
	if c.PassAccessToken && a.Action == gateway.ActionPassVisitor {
		lines = append(lines, "header: X-WX-Access-Token: (if the visitor's session has one)")
	}
	if len(a.Removed) > 0 {
		lines = append(lines, "removed: "+e.shownNames(a.Removed))
	}
	if len(a.Replaced) > 0 {
		lines = append(lines, "replaced: "+e.shownNames(a.Replaced))
	}
	return lines
}

// identityLines shows the identity headers in h. It shows values only of a visitor that
// --as names, and never a token.
func (e *explainer) identityLines(h http.Header) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		if !strings.HasPrefix(name, "X-Wx-") || name == "X-Wx-Login-Url" {
			continue
		}
		line := "header: " + shownName(name)
		switch value := h.Get(name); {
		case name == "X-Wx-Assertion":
			line += ": (a signed token)"
		case value == "":
			line += ": (empty)"
		case e.ask.as != "":
			line += ": " + value
		}
		lines = append(lines, line)
	}
	return lines
}

// shownNames returns header names as they were given, or as people write them.
func (e *explainer) shownNames(names []string) string {
	var shown []string
	for _, name := range names {
		text := shownName(name)
		for _, h := range e.ask.headers {
			if h.name == name {
				text = h.given
			}
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, ", ")
}

// shownName writes X-Wx-Openid as X-WX-OpenID.
func shownName(name string) string {
	rest, ok := strings.CutPrefix(name, "X-Wx-")
	if !ok {
		return name
	}
	known := map[string]string{"Openid": "OpenID", "Unionid": "UnionID", "Appid": "AppID"}
	return "X-WX-" + cmp.Or(known[rest], rest)
}

// withoutState replaces the state of a login, which no one else should know.
func withoutState(address string) string {
	return regexp.MustCompile(`\bstate=[0-9a-f]{32}\b`).ReplaceAllString(address, "state=…")
}
