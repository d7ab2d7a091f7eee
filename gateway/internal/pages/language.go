package pages

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
)

const (
	chinese = "zh-CN"
	english = "en"
)

// preferred returns the page language for an Accept-Language header (RFC 9110,
// section 12.5.4): Chinese or English, whichever has the higher weight, and of
// equal weights the first. "*" counts as Chinese. A header that names neither,
// or is malformed, gets Chinese.
//
// It does not use a [language.Matcher]. Offered zh-CN and English, that returns
// English for "zh-HK, en;q=0.8", and for each language whose speakers it assumes
// to read English.
func preferred(header string) string {
	// In lower case, since x/text does not know the parameter Q.
	tags, weights, err := language.ParseAcceptLanguage(strings.ToLower(header))
	invalid := func(weight float32) bool { return !(weight <= 1) } // NaN too
	if err != nil || slices.ContainsFunc(weights, invalid) {
		return chinese
	}
	for _, tag := range tags { // by weight
		switch base, _, _ := tag.Raw(); base.String() {
		case "zh", "mul": // x/text returns mul for *
			return chinese
		case "en":
			return english
		}
	}
	return chinese
}
