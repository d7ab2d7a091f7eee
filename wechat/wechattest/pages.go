package wechattest

import (
	"bytes"
	"embed"
	"net/http"
	"strings"
	"sync"
	"time"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
	"golang.org/x/text/language"
)

//go:embed pages
var pageFiles embed.FS

const (
	htmlType = "text/html; charset=utf-8"
	// shownBytes is how much of a logged body the dashboard shows.
	shownBytes = 2_000
)

var pageTemplates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(pageFunctions).ParseFS(pageFiles, "pages/*.html"))
})

// pageFunctions are what the templates call. They call no methods: a package for
// templates that calls methods by name keeps all methods of a program in its binary.
var pageFunctions = template.FuncMap{
	"t": view.T, "lang": view.Lang, "steps": view.Steps, "short": view.Short, "modules": view.Modules,
	"name": view.Name, "switch": view.Switch, "answer": view.Answer, "mode": view.Mode,
	"format": time.Time.Format,
}

// pageLanguages matches an Accept-Language header with the languages of the
// pages. The first is the default. Readers of traditional Chinese get the
// simplified Chinese page; without an entry of their own they would get English
// if their browser names it as well.
var pageLanguages = sync.OnceValue(func() language.Matcher {
	return language.NewMatcher([]language.Tag{
		language.MustParse("zh-CN"), language.English, language.TraditionalChinese,
	})
})

// chinese reports whether a page is in Chinese, or else in English.
func chinese(r *http.Request) bool {
	tag, _ := language.MatchStrings(pageLanguages(), r.Header.Get("Accept-Language"))
	base, _ := tag.Base()
	return base.String() == "zh"
}

// view is the data of every page.
type view struct {
	Chinese bool
	Account string // name of the account that the visitor signs in to
	Host    string // of the site
	ID      string // of the login request that waits
	Visitor card
	People  []card

	Code    int    // of an error
	Message string // of an error

	Data any // of the control pages
}

// T returns the text in the page's language.
func (v view) T(chinese, english string) string {
	if v.Chinese {
		return chinese
	}
	return english
}

// Lang is the page's language tag.
func (v view) Lang() string { return v.T("zh-CN", "en") }

// step is a duration by which the control page moves the clock.
type step struct{ Duration, Label string }

// Steps are the steps of the control page.
func (v view) Steps() []step {
	return []step{
		{"1m", v.T("1 分钟", "1 minute")}, {"5m", v.T("5 分钟", "5 minutes")}, {"2h", v.T("2 小时", "2 hours")},
		{"24h", v.T("1 天", "1 day")}, {"720h", v.T("30 天", "30 days")},
	}
}

// Short is the beginning of a long text.
func (view) Short(text string) string {
	if len(text) > shownBytes {
		return strings.ToValidUTF8(text[:shownBytes], "") + "…"
	}
	return text
}

// render makes a page from its template.
func render(name string, status int, v view) response {
	var b bytes.Buffer
	if err := pageTemplates().ExecuteTemplate(&b, name, v); err != nil {
		panic(err) // cannot happen with our own templates and data
	}
	return response{status: status, contentType: htmlType, body: b.Bytes(), header: http.Header{
		"Cache-Control": {"no-store"},
		// No form-action: the redirect after a button leads to the site.
		"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; " +
			"img-src 'self' data: http: https:; base-uri 'none'; frame-ancestors 'none'"},
		"Referrer-Policy": {"same-origin"},
	}}
}

// view starts a page in the visitor's language.
func (x *transaction) view() view { return view{Chinese: chinese(x.r)} }

// errorPage tells the visitor what is wrong. Nothing is sent to the site. The
// status is for automatic clients; WeChat's is not known.
func (x *transaction) errorPage(status, code int, chinese, english string) response {
	v := x.view()
	v.Code, v.Message = code, v.T(chinese, english)
	x.warn("error page: " + english)
	return render("error.html", status, v)
}

// errorCode is the error page for a code of WeChat's list of authorize errors.
func (x *transaction) errorCode(code int, chinese, english string) response {
	x.logErrcode(code)
	return x.errorPage(codeStatus(code), code, chinese, english)
}

// codeStatus is the status of the error page for a code.
func codeStatus(code int) int {
	switch code {
	case 10004, 10006:
		return http.StatusForbidden
	case 10009:
		return http.StatusTooManyRequests
	default:
		return http.StatusBadRequest
	}
}

// cannotOpen is the error page for a malformed address.
func (x *transaction) cannotOpen(reason string) response {
	return x.errorPage(http.StatusBadRequest, 0, "该链接无法访问（"+reason+"）", "This link cannot be opened: "+reason)
}
