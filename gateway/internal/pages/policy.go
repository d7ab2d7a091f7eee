package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// policy returns the page's Content-Security-Policy. Chromium checks the
// redirect that answers a form against form-action too, so the policy names the
// origin of ReturnTo if that is on another host.
func (p *page) policy(data Data) string {
	script := ""
	if data.Address != "" {
		script = "; script-src " + hashSource(string(copyScript))
	}
	return "default-src 'none'; style-src " + p.style + script +
		"; img-src 'self' data:" + originSource(data.FollowQR) + "; form-action 'self'" + originSource(data.ReturnTo) +
		"; base-uri 'none'; frame-ancestors 'none'"
}

// originSource returns a space and the origin of address, or "" if the policy
// cannot name it.
func originSource(address string) string {
	if origin := PolicyOrigin(address); origin != "" {
		return " " + origin
	}
	return ""
}

// PolicyOrigin returns the origin of an absolute http or https address in the
// form in which a page's Content-Security-Policy names it, such as that of
// [Data.FollowQR]. It returns "" for any other address.
func PolicyOrigin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	// url.Parse accepts ; and , in a host. In the header they would start
	// another directive or another policy.
	if strings.Trim(strings.ToLower(u.Host), "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") != "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

var inlineStyle = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?is)<style(?:\s[^>]*)?>(.*?)</style\s*>`)
})

// styleSources returns the policy's sources for the styles in a rendered page.
// It cannot take the template's text, from which html/template drops comments.
func styleSources(html string) string {
	var sources []string
	for _, style := range inlineStyle().FindAllStringSubmatch(html, -1) {
		sources = append(sources, hashSource(style[1]))
	}
	if sources == nil {
		return "'none'"
	}
	return strings.Join(sources, " ")
}

// hashSource returns the policy's source that allows one inline style or script.
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
