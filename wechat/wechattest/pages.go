package wechattest

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed pages
var pageFiles embed.FS

const htmlType = "text/html; charset=utf-8"

// pageTemplates are parsed at start-up; a fault in one is ours.
var pageTemplates = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// view is what every page knows.
type view struct {
	Chinese bool
	Account string // whom the visitor signs in to
	Host    string // of the site
	ID      string // of the pending login
	Visitor card
	People  []card

	Code    int    // of an error
	Message string // of an error

	Data any // of the control pages
}

// card is a visitor on a page.
type card struct {
	ID, Nickname, Avatar              string
	Follows, Snapshot, Banned, Holder bool
}

// T chooses the language.
func (v view) T(chinese, english string) string {
	if v.Chinese {
		return chinese
	}
	return english
}

// Lang is the page's language tag.
func (v view) Lang() string { return v.T("zh-CN", "en") }

// view begins a page in the visitor's language: Chinese unless the browser
// names English first.
func (c *call) view() view { return view{Chinese: chinese(c.r)} }

func chinese(r *http.Request) bool {
	for tag := range strings.SplitSeq(strings.ToLower(r.Header.Get("Accept-Language")), ",") {
		switch tag = strings.TrimSpace(tag); {
		case strings.HasPrefix(tag, "zh"):
			return true
		case strings.HasPrefix(tag, "en"):
			return false
		}
	}
	return true
}

// render fills a page.
func render(name string, status int, v view) response {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, name, v); err != nil {
		panic(err) // our own template and data
	}
	return response{status: status, contentType: htmlType, body: b.Bytes(), header: http.Header{
		"Cache-Control": {"no-store"},
		// No form-action: an answer's redirect leads to the site.
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data: http: https:; base-uri 'none'; frame-ancestors 'none'"},
		"Referrer-Policy":         {"same-origin"},
	}}
}

// errorCode is a page of WeChat's list of authorize errors.
func (c *call) errorCode(code int, chinese, english string) response {
	c.entry.Errcode = code
	return c.errorPage(http.StatusOK, code, chinese, english)
}

// errorPage tells the visitor what is wrong. The site hears nothing.
func (c *call) errorPage(status, code int, chinese, english string) response {
	v := c.view()
	v.Code, v.Message = code, v.T(chinese, english)
	c.warn("error page: " + english)
	return render("error.html", status, v)
}

// cannotOpen is the page for an address that WeChat's check of its form
// refuses.
func (c *call) cannotOpen(reason string) response {
	return c.errorPage(http.StatusOK, 0, "该链接无法访问（"+reason+"）", "This link cannot be opened: "+reason)
}

func (c *call) declinedPage() response { return render("declined.html", http.StatusOK, c.view()) }

// asking begins a page that a button answers.
func (c *call) asking(p *pending) view {
	v := c.view()
	v.Account = p.account.name()
	if u, err := url.Parse(p.redirectURI); err == nil {
		v.Host = u.Host
	}
	v.ID = c.word(lettersAndDigits, 32)
	c.pending.put(c.time, v.ID, p)
	return v
}

func (c *call) choosePage(p *pending) response {
	v := c.asking(p)
	v.People = c.people(p.account.AppID)
	return render("choose.html", http.StatusOK, v)
}

func (c *call) scanPage(p *pending) response {
	v := c.asking(p)
	if c.chooseVisitor {
		v.People = c.people(p.account.AppID)
	}
	return render("scan.html", http.StatusOK, v)
}

func (c *call) consentPage(p *pending, who *visitor) response {
	v := c.asking(p)
	v.Visitor = c.card(who, p.account.AppID)
	return render("consent.html", http.StatusOK, v)
}

func (c *call) snapshotPage(p *pending, who *visitor) response {
	v := c.asking(p)
	v.Visitor = c.card(who, p.account.AppID)
	return render("snapshot.html", http.StatusOK, v)
}

func (e *Emulator) people(appID string) []card {
	var list []card
	for _, v := range e.visitors {
		list = append(list, e.card(v, appID))
	}
	return list
}

func (e *Emulator) card(v *visitor, appID string) card {
	_, follows := v.follows[appID]
	return card{
		ID: v.ID, Nickname: v.Nickname, Avatar: v.picture(""),
		Follows: follows, Snapshot: v.Snapshot, Banned: v.Banned, Holder: v.ID == e.phone,
	}
}

// Modules are the dark modules of the scan page's code, which says nothing: the
// three finder patterns and some noise.
func (v view) Modules() template.HTMLAttr {
	const size = 25
	var path strings.Builder
	noise := digest("modules", v.ID)
	for i := range size * size {
		x, y := i%size, i/size
		dark := noise[i/8%len(noise)]>>(i%8)&1 == 1
		for _, corner := range [][2]int{{0, 0}, {size - 7, 0}, {0, size - 7}} {
			dx, dy := x-corner[0], y-corner[1]
			if dx < -1 || dx > 7 || dy < -1 || dy > 7 {
				continue
			}
			ring := max(abs(dx-3), abs(dy-3))
			dark = ring == 3 || ring < 2
		}
		if dark {
			fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
		}
	}
	return template.HTMLAttr(`d="` + path.String() + `"`)
}

func abs(n int) int { return max(n, -n) }

// Steps are what the control page moves the clock by.
func (view) Steps() []string { return []string{"1m", "5m", "2h", "24h", "720h"} }
