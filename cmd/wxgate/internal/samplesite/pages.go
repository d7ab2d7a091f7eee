package samplesite

import (
	"bytes"
	"html/template"
	"net/http"
	"strconv"
	"strings"
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
		if err := p.templates.ExecuteTemplate(&body, name, page{visitorOf(r), language(r)}); err != nil {
			http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Vary", "Accept-Language")
		w.Write(body.Bytes())
	}
}

// language is the one that the page's own switch asks for (?lang=), else the
// better liked of the two in Accept-Language, else Chinese.
func language(r *http.Request) string {
	switch r.URL.Query().Get("lang") {
	case chinese:
		return chinese
	case english:
		return english
	}
	best, bestWeight := chinese, 0.0
	for item := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, params, _ := strings.Cut(item, ";")
		weight := 1.0
		if q, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			weight, _ = strconv.ParseFloat(q, 64) // 0, not wanted, if it is no number
		}
		if weight <= bestWeight {
			continue
		}
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		switch primary {
		case "zh":
			best, bestWeight = chinese, weight
		case "en":
			best, bestWeight = english, weight
		}
	}
	return best
}
