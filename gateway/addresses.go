package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wxgate/wxgate/gateway/origin"
	"github.com/wxgate/wxgate/wechat"
)

// addresses are those of one site: of its own endpoints, and those that a
// visitor may be sent back to.
type addresses struct {
	public       origin.Origin
	publicURL    string // public as text
	prefix       string
	scope        wechat.Scope
	returnHosts  map[string]bool
	cookieDomain string // over whose subdomains the session is shared, in lower case; empty: one host
}

// newAddresses returns the addresses of the site that c describes.
func newAddresses(c Site, prefix string, errs *fieldErrors) addresses {
	a := addresses{
		prefix:       prefix,
		scope:        wechat.ScopeBase,
		returnHosts:  make(map[string]bool),
		cookieDomain: strings.ToLower(strings.TrimPrefix(c.CookieDomain, ".")),
	}
	var err error
	a.public, err = origin.Parse(c.PublicURL)
	errs.add("PublicURL", err)
	a.publicURL = a.public.String()
	if c.Scope != "" {
		errs.add("Scope", a.scope.UnmarshalText([]byte(c.Scope)))
	}
	if c.CookieDomain != "" && err == nil {
		errs.add("CookieDomain", a.checkCookieDomain())
	}
	a.returnHosts[a.public.Host] = true
	for _, text := range c.ReturnHosts {
		host, err := origin.ParseHost(text)
		errs.add("ReturnHosts", err)
		a.returnHosts[host] = err == nil
	}
	return a
}

// checkCookieDomain returns an error unless browsers take a cookie of the domain
// from the public URL.
func (a *addresses) checkCookieDomain() error {
	host := a.public.Hostname()
	if !origin.IsHostname(a.cookieDomain) || !inDomain(host, a.cookieDomain) {
		return fmt.Errorf("expected %s or a domain above it, without scheme and port: browsers refuse any other", host)
	}
	if a.cookieDomain != host && origin.IsPublicSuffix(a.cookieDomain) {
		return fmt.Errorf("browsers refuse a cookie for all sites under %s", a.cookieDomain)
	}
	return nil
}

// callbackURL is the redirect_uri of the gateway's own logins.
func (a *addresses) callbackURL() string {
	return a.publicURL + a.prefix + "/callback"
}

// loginURL is the address that starts a login leading to target. It is absolute:
// the login cookie has to be set on the host that WeChat returns to.
func (a *addresses) loginURL(target string, scope wechat.Scope) string {
	address := a.publicURL + a.prefix + "/login"
	query := make(url.Values)
	if target != "" && target != "/" {
		query.Set("return_to", target)
	}
	if scope != "" && scope != a.scope {
		query.Set("scope", string(scope))
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return address
}

// onReturnHost reports whether address is an absolute one on a host that may be
// returned to. https is never left for http. The text itself is compared, not
// what a parser makes of it: browsers read "https:host", "https:///host" and
// user names in ways of their own.
func (a *addresses) onReturnHost(address string) bool {
	scheme, rest, _ := strings.Cut(address, "://")
	scheme, host := strings.ToLower(scheme), strings.ToLower(upTo(rest, "/?#"))
	return (scheme == "https" || scheme == a.public.Scheme) && host != "" && a.returnHosts[host]
}

// ownPage reports whether address is a page of this site as a browser shows it:
// absolute, on the origin of the public URL to the letter, and without what no
// browser's address holds. Path and query may be any.
func (a *addresses) ownPage(address string) bool {
	rest, ok := a.public.Behind(address)
	return ok && utf8.ValidString(rest) &&
		!strings.ContainsFunc(rest, func(c rune) bool { return unicode.IsControl(c) || c == ' ' })
}

// returnTarget is the address of a page load as a return address: a path, or an
// absolute address if the visitor is on another of this site's hosts and will
// have their session there.
func (a *addresses) returnTarget(r *http.Request) string {
	if other := a.otherOrigin(r); other != "" {
		return a.returnTo(other + requestTarget(r))
	}
	return a.pageAt(requestTarget(r))
}

// otherOrigin is the origin at which the visitor sends r, if that is another of
// this site's than the public URL and has their session too; else "".
func (a *addresses) otherOrigin(r *http.Request) string {
	host := strings.ToLower(r.Host)
	if host == a.public.Host || !a.returnHosts[host] || !a.sharesSession(host) {
		return ""
	}
	return a.public.Scheme + "://" + host
}

// pageAt is the page of this site with the given path and query as a return
// address. A path that begins with two slashes, or does for some software, is the
// same page only behind the public URL: alone it would name a host.
func (a *addresses) pageAt(target string) string {
	if strings.HasPrefix(target, "/") && !staysOnHost(upTo(target, "?#")) {
		target = a.publicURL + target
	}
	return a.returnTo(target)
}

// absolute returns the whole address of what returnTo has returned.
func (a *addresses) absolute(address string) string {
	if strings.HasPrefix(address, "/") {
		return a.publicURL + address
	}
	return address
}

// buttonTarget is where the button of a page that answers r leads a visitor who
// has a session: to the same address, or, after a form, to the page that it was on.
func (a *addresses) buttonTarget(r *http.Request) string {
	if formSent(r) {
		return cmp.Or(a.callingPage(r), "/")
	}
	return a.returnTarget(r)
}

// sharesSession reports whether browsers send the session cookie to a host other
// than the public URL's. Without it, a way back there would lead to the login
// again, in circles.
func (a *addresses) sharesSession(host string) bool {
	return a.cookieDomain != "" && inDomain(origin.Canonical(host), a.cookieDomain)
}

// callingPage is the page of this site that a form or a script's request came from,
// if the browser tells; else "".
func (a *addresses) callingPage(r *http.Request) string {
	referer := r.Header.Get("Referer")
	switch {
	case a.onReturnHost(referer):
		return a.returnTo(referer)
	case formSent(r):
		return a.samePage(referer, r.Host)
	default:
		return ""
	}
}

// samePage returns the page at the public URL that has the path and query of an
// address at host, by http or https; "" if the address is at another host. A form
// may be sent at each of the site's hosts.
func (a *addresses) samePage(address, host string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	named := upTo(rest, "/?#")
	if !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") ||
		named == "" || !strings.EqualFold(named, host) {
		return ""
	}
	return a.pageAt("/" + strings.TrimPrefix(rest[len(named):], "/"))
}

// upTo returns s up to the first of some characters.
func upTo(s, chars string) string {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i]
	}
	return s
}
