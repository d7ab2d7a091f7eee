package pages

import (
	"regexp"
	"strings"
	"testing"
)

// rule returns the declarations of the first rule with the selector in a style.
func rule(t *testing.T, style, selector string) string {
	t.Helper()
	found := regexp.MustCompile(`(?s)(?:^|[\n}])\s*` + regexp.QuoteMeta(selector) + `\s*\{(.*?)\}`).FindStringSubmatch(style)
	if found == nil {
		t.Fatalf("the style has no rule for %s", selector)
	}
	return found[1]
}

// The colours are those of WeUI, WeChat's own style library, in both schemes.
func TestPagesLook(t *testing.T) {
	t.Parallel()
	body := showPage(t, testPages(t), 200, SignOut, "en", Data{LogoutAction: "/_wx/logout", ReturnTo: "/"}).Body.String()
	style := styleElement.FindStringSubmatch(body)[1]
	light, dark, _ := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	for _, test := range []struct{ name, in, want string }{
		{"primary button", rule(t, style, ".button"), "background: #07c160"},
		{"text on it", rule(t, style, ".button"), "color: #fff"},
		{"warn button", rule(t, style, ".button.danger"), "background: #fa5151"},
		{"warn icon", light, "--warn: #fa5151"},
		{"links", light, "--link: #576b95"},
		{"links in the dark", dark, "--link: #7d90a9"},
		{"short paragraphs", rule(t, style, "p"), "text-wrap: balance"},
		{"filled icons", rule(t, style, ".icon"), "fill: currentColor"},
	} {
		if !strings.Contains(test.in, test.want) {
			t.Errorf("%s: %q lacks %q", test.name, test.in, test.want)
		}
	}
	if want := `<button class="button danger">Sign out</button>`; !strings.Contains(body, want) {
		t.Errorf("page lacks %s:\n%s", want, body)
	}
}

// A missing picture shows its alternative text, on lines of their own height.
func TestPageFollowMissingPicture(t *testing.T) {
	t.Parallel()
	body := showPage(t, testPages(t), 403, Follow, "en", Data{FollowQR: "/missing.png"}).Body.String()
	img := rule(t, styleElement.FindStringSubmatch(body)[1], ".picture img")
	if !regexp.MustCompile(`line-height: 1\.\d`).MatchString(img) {
		t.Errorf(".picture img {%s}: want a line height for the alternative text", img)
	}
}
