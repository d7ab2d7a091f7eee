package samplesite

import (
	"bytes"
	"net/http"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
	"golang.org/x/text/language"
)

const (
	chinese = "zh-CN"
	english = "en"
)

type pages struct{ templates *template.Template }

// page is the data of a template.
type page struct {
	visitor
	Lang string
	Ways ways
}

// T returns the text in the page's language.
func (p page) T(zh, en string) string {
	if p.Lang == english {
		return en
	}
	return zh
}

// functions are what the templates call.
var functions = template.FuncMap{"t": page.T, "granted": page.Granted}

func (p pages) serve(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		data := page{visitorOf(r), pageLanguage(r), waysAt(r.Host)}
		if err := p.templates.ExecuteTemplate(&body, name, data); err != nil {
			http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Vary", "Accept-Language")
		w.Write(body.Bytes())
	}
}

// pageLanguage returns the language in the query (?lang=), else the one that
// Accept-Language prefers, else Chinese.
func pageLanguage(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang == chinese || lang == english {
		return lang
	}
	// In lower case, because x/text ignores the parameter Q. A header that it cannot
	// parse has no tags.
	tags, _, _ := language.ParseAcceptLanguage(strings.ToLower(r.Header.Get("Accept-Language")))
	for _, tag := range tags { // by weight
		switch base, _, _ := tag.Raw(); base.String() {
		case "zh":
			return chinese
		case "en":
			return english
		}
	}
	return chinese
}
