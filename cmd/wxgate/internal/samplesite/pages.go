package samplesite

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"

	"golang.org/x/text/language"
)

const (
	chinese = "zh-CN"
	english = "en"
)

type pages struct{ templates *template.Template }

// page is what a template shows.
type page struct {
	visitor
	Lang string
}

// T is the text in the page's language.
func (p page) T(zh, en string) string {
	if p.Lang == english {
		return en
	}
	return zh
}

func (p pages) serve(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if err := p.templates.ExecuteTemplate(&body, name, page{visitorOf(r), pageLanguage(r)}); err != nil {
			http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Vary", "Accept-Language")
		w.Write(body.Bytes())
	}
}

// pageLanguage returns the language of the page's own switch (?lang=), else the
// one that Accept-Language weighs more, else Chinese.
func pageLanguage(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang == chinese || lang == english {
		return lang
	}
	// In lower case, since x/text does not know the parameter Q. A header that it
	// cannot read gives no tags.
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
