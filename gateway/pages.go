package gateway

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"rsc.io/qr"
)

//go:embed pages/*.html
var pageFiles embed.FS

// A pageName names a built-in page and its template, pages/<name>.html.
type pageName string

// The pages, each with the status that it is meant for.
const (
	pageRestart       pageName = "restart"            // 400: state missing or another browser's
	pageDeclined      pageName = "declined"           // 403: the visitor declined at WeChat
	pageCodeRefused   pageName = "code-refused"       // 403: WeChat refused one code after another
	pageWeChatAway    pageName = "wechat-away"        // 503: WeChat slow or away
	pageMisconfigured pageName = "misconfigured"      // 502: WeChat refuses the site itself
	pageUpstreamDown  pageName = "upstream-down"      // 502, 504: the site behind is away or slow
	pageStoreAway     pageName = "session-store-away" // 503: sessions cannot be read
	pageForbidden     pageName = "forbidden"          // 403: this visitor or this request may not
	pageFollow        pageName = "follow"             // 403: does not follow the account
	pageSnapshot      pageName = "snapshot"           // 403: inside WeChat's snapshot of a page
	pageOpenInWeChat  pageName = "open-in-wechat"     // 200, 403: another browser than WeChat's
	pageSignOut       pageName = "sign-out"           // 200: asks before the session is ended
	pageSignedOut     pageName = "signed-out"         // 200: the session has ended
	pageTooMany       pageName = "too-many"           // 429: too many logins from one address
	pageTooLarge      pageName = "too-large"          // 413: the body is over the limit
	pageUnknownSite   pageName = "unknown-site"       // 421: no site has the request's host
	pageNotFound      pageName = "not-found"          // 404: no such endpoint
	pageMethod        pageName = "method"             // 405: the endpoint takes another method
	pageBadRequest    pageName = "bad-request"        // 400: the request makes no sense
)

// pageData is what a page shows. A field left empty leaves its part out, and
// no page needs all of them. Everything is escaped by the template.
type pageData struct {
	Status       int    // set by render
	RequestID    string // the small print
	LoginURL     string // the button starts a login
	Reload       bool   // without LoginURL, the button loads the same address again
	LogoutAction string // sign-out: where its form is posted
	ReturnTo     string // sign-out: where the visitor goes afterwards
	NoCookies    bool   // restart: the browser seems to keep no cookies
	Address      string // open-in-wechat: the page to open there
	FollowQR     string // follow: address of the picture with the account's QR code
}

// pages holds the parsed templates. It is safe for concurrent use.
type pages struct {
	byName map[pageName]*page
}

type page struct {
	template *template.Template
	style    string // CSP sources of its inline styles
}

// newPages parses the templates, those in dir in place of the built-in ones of
// the same names where dir is not empty, and runs each, so that a template that
// cannot be shown is found at start.
func newPages(dir string) (*pages, error) {
	files, err := pageTemplates(dir)
	if err != nil {
		return nil, err
	}
	base, err := template.New("base.html").Parse(files["base.html"])
	if err != nil {
		return nil, fmt.Errorf("page base.html: %w", err)
	}
	p := &pages{byName: make(map[pageName]*page)}
	for file, text := range files {
		if file == "base.html" {
			continue
		}
		name := pageName(strings.TrimSuffix(file, ".html"))
		if p.byName[name], err = newPage(base, file, text); err != nil {
			return nil, fmt.Errorf("page %s: %w", file, err)
		}
	}
	return p, nil
}

func newPage(base *template.Template, file, text string) (*page, error) {
	t, err := base.Clone()
	if err != nil {
		return nil, err
	}
	if _, err := t.New(file).Parse(text); err != nil {
		return nil, err
	}
	p := &page{template: t}
	for i, view := range pageSamples() {
		var out strings.Builder
		if err := t.Execute(&out, view); err != nil {
			return nil, err
		}
		style := styleSources(out.String())
		if i > 0 && style != p.style {
			return nil, errors.New("its <style> depends on what the page shows: the policy that lets it through is made once")
		}
		p.style = style
	}
	return p, nil
}

// pageSamples are views in which a template reaches all of its parts.
func pageSamples() []pageView {
	full := pageData{
		Status: http.StatusForbidden, RequestID: "x", LoginURL: "/x", LogoutAction: "/x",
		ReturnTo: "/x", NoCookies: true, Address: "https://x.example/", FollowQR: "/x",
	}
	var samples []pageView
	for _, lang := range []string{pageChinese, pageEnglish} {
		samples = append(samples,
			pageView{Lang: lang},
			pageView{Lang: lang, pageData: pageData{Reload: true}},
			pageView{Lang: lang, pageData: full, QRCode: "<svg></svg>"})
	}
	return samples
}

var inlineStyle = regexp.MustCompile(`(?is)<style(?:\s[^>]*)?>(.*?)</style\s*>`)

// styleSources are the CSP sources of the styles in a page as it is sent: the
// template engine drops comments, so that the file's own bytes would not do.
func styleSources(html string) string {
	var sources []string
	for _, style := range inlineStyle.FindAllStringSubmatch(html, -1) {
		sum := sha256.Sum256([]byte(style[1]))
		sources = append(sources, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	if sources == nil {
		return "'none'"
	}
	return strings.Join(sources, " ")
}

// render answers with the named page in the language that r prefers. A
// Retry-After or Allow header is the caller's to set before.
func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, name pageName, data pageData) {
	data.Status = status
	view := pageView{
		pageData: data,
		Lang:     pageLanguage(strings.Join(r.Header.Values("Accept-Language"), ",")),
	}
	if data.Address != "" {
		// An address too long for a code is still there as text.
		view.QRCode, _ = pageQRCode(data.Address)
	}
	page := p.byName[name]
	var body bytes.Buffer
	if err := page.template.Execute(&body, view); err != nil {
		// Every template has run once in newPages: this needs a fault of
		// ours, and the visitor still gets the status.
		http.Error(w, http.StatusText(status), status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Language", view.Lang)
	h.Add("Vary", "Accept-Language")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", page.policy(data))
	w.WriteHeader(status)
	w.Write(body.Bytes()) // a visitor who left is no error
}

// policy is the page's Content-Security-Policy. Chromium holds the redirect
// that answers a form to form-action too: the place where signing out leads
// has to be named where it is on another host.
func (p *page) policy(data pageData) string {
	script := ""
	if data.Address != "" {
		script = "; script-src " + scriptSource(string(copyScript))
	}
	return "default-src 'none'; style-src " + p.style + script +
		"; img-src 'self' data:" + pageSource(data.FollowQR) + "; form-action 'self'" + pageSource(data.ReturnTo) +
		"; base-uri 'none'; frame-ancestors 'none'"
}

// pageSource is the origin of an absolute http(s) address as a further CSP
// source, with a blank before it; for any other address it is empty.
func pageSource(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	// url.Parse lets ; and , stand in a host: in the header they would
	// begin a directive or a policy of their own.
	if strings.Trim(strings.ToLower(u.Host), "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") != "" {
		return ""
	}
	return " " + u.Scheme + "://" + u.Host
}

// A pageView is what a template runs on.
type pageView struct {
	pageData
	Lang   string // zh-CN or en
	QRCode template.HTML
}

// CopyScript is the script of the button that copies the page's address.
func (v pageView) CopyScript() template.JS { return copyScript }

// Say picks the text in the visitor's language.
func (v pageView) Say(zh, en string) string {
	if v.Lang == pageEnglish {
		return en
	}
	return zh
}

const (
	pageChinese = "zh-CN"
	pageEnglish = "en"
)

// pageLanguage picks the page language for an Accept-Language header (RFC
// 9110, section 12.5.4): the one with the higher weight, of equals the one
// named first, and Chinese where the header does not tell. A "*" speaks for
// the language that is not named.
func pageLanguage(header string) string {
	type preference struct {
		weight float64
		place  int // in the header; 0: not named
	}
	var chinese, english, other preference
	place := 0
	for item := range strings.SplitSeq(header, ",") {
		place++
		tag, weight, ok := pageLanguageRange(item)
		if !ok {
			continue
		}
		var named *preference
		switch primary, _, _ := strings.Cut(tag, "-"); primary {
		case "zh":
			named = &chinese
		case "en":
			named = &english
		case "*":
			named = &other
		default:
			continue
		}
		if named.place == 0 || weight > named.weight {
			*named = preference{weight, place}
		}
	}
	for _, p := range []*preference{&chinese, &english} {
		if p.place == 0 {
			*p = other
		}
	}
	better := cmp.Or(cmp.Compare(english.weight, chinese.weight), cmp.Compare(chinese.place, english.place))
	if better > 0 && english.weight > 0 {
		return pageEnglish
	}
	return pageChinese
}

// pageLanguageRange reads one item of Accept-Language, such as "en-GB;q=0.8".
func pageLanguageRange(item string) (tag string, weight float64, ok bool) {
	tag, parameter, weighted := strings.Cut(item, ";")
	tag = strings.ToLower(strings.TrimSpace(tag))
	if !weighted {
		return tag, 1, true
	}
	name, value, _ := strings.Cut(parameter, "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return "", 0, false
	}
	weight, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	// Written so that NaN is refused too.
	if err != nil || !(weight >= 0 && weight <= 1) {
		return "", 0, false
	}
	return tag, weight, true
}

const (
	pageQRPixels  = 280 // widest code that fits the narrowest phone
	pageQRModules = 97  // per side; above it a module is so small that cameras miss it
	pageQRQuiet   = 4   // empty modules that the standard asks for on every side
)

// pageQRCode draws address as an SVG of one path, black on white whatever the
// colours around it, each module a whole number of pixels wide. It refuses an
// address whose code would be too fine to scan.
func pageQRCode(address string) (template.HTML, error) {
	code, err := qr.Encode(address, qr.L)
	if err != nil {
		return "", fmt.Errorf("encode QR code: %w", err)
	}
	if code.Size > pageQRModules {
		return "", fmt.Errorf("encode QR code: %d modules a side, more than %d", code.Size, pageQRModules)
	}
	side := code.Size + 2*pageQRQuiet
	pixels := side * (pageQRPixels / side)
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges" aria-hidden="true">`, pixels, pixels, side, side)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="`, side, side)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			start := x
			for code.Black(x, y) { // outside the code nothing is black
				x++
			}
			if x > start {
				fmt.Fprintf(&svg, "M%d %dh%dv1h-%dz", start+pageQRQuiet, y+pageQRQuiet, x-start, x-start)
			}
		}
	}
	svg.WriteString(`"/></svg>`)
	return template.HTML(svg.String()), nil
}
