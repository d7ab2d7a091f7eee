package gateway_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// secretSearch finds secrets in all their encoded forms, which it holds by their
// first characters.
type secretSearch map[string][]secretForm

type secretForm struct{ text, kind string }

const secretStart = 8

func newSecretSearch(secrets map[string]string) secretSearch {
	search := make(secretSearch)
	for value, kind := range secrets {
		quoted, _ := json.Marshal(value) // never fails for a string
		for _, form := range append(base64Forms(value),
			value,
			hex.EncodeToString([]byte(value)),
			strings.ToUpper(hex.EncodeToString([]byte(value))),
			url.QueryEscape(value),
			strings.ReplaceAll(url.QueryEscape(value), "+", "%20"),
			url.PathEscape(value),
			html.EscapeString(value),
			strings.Trim(string(quoted), `"`),
		) {
			search[form[:secretStart]] = append(search[form[:secretStart]], secretForm{form, kind})
		}
	}
	return search
}

// find returns the kind of the first secret in text that is not of an allowed
// kind; "" if there is none.
func (s secretSearch) find(text string, allowed ...string) string {
	for i := range max(0, len(text)-secretStart+1) {
		for _, form := range s[text[i:i+secretStart]] {
			if strings.HasPrefix(text[i:], form.text) && !slices.Contains(allowed, form.kind) {
				return form.kind
			}
		}
	}
	return ""
}

// in fails the test if there is a secret in text.
func (s secretSearch) in(t *testing.T, where, text string, allowed ...string) {
	t.Helper()
	if kind := s.find(text, allowed...); kind != "" {
		t.Errorf("%s holds a secret (%s): %.300q", where, kind, text)
	}
}

// base64Forms are texts of which one is in every base64 text that holds value, at
// any offset.
func base64Forms(value string) []string {
	var forms []string
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := encoding.EncodeToString(append(make([]byte, before), value...))
			forms = append(forms, text[(before*8+5)/6:len(text)-1])
		}
	}
	return forms
}

// The search finds a secret in each encoding.
func TestSecretSearch(t *testing.T) {
	t.Parallel()
	const secret = "a secret & more of 30 letters"
	search := newSecretSearch(map[string]string{secret: "test"})
	for _, text := range []string{
		secret,
		"x" + secret + "y",
		"https://h/?a=" + url.QueryEscape(secret),
		"https://h/" + url.PathEscape(secret),
		hex.EncodeToString([]byte("1" + secret)),
		base64.StdEncoding.EncodeToString([]byte("x:" + secret + "!")),
		base64.URLEncoding.EncodeToString([]byte("x" + secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		html.EscapeString(secret),
	} {
		if search.find(text) != "test" || search.find(text, "test") != "" {
			t.Errorf("secret not found in %q", text)
		}
	}
}
