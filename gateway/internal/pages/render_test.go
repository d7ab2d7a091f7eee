package pages

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPagesHeaders(t *testing.T) {
	t.Parallel()
	eachPage(t, func(t *testing.T, _ string, w *httptest.ResponseRecorder) {
		style := styleElement.FindAllStringSubmatch(w.Body.String(), -1)
		if len(style) != 1 {
			t.Fatalf("%d <style> elements, want 1", len(style))
		}
		sum := sha256.Sum256([]byte(style[0][1]))
		script := "" // only the page that shows an address has one
		if found := scriptElement.FindStringSubmatch(w.Body.String()); found != nil {
			sum := sha256.Sum256([]byte(found[1]))
			script = "; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
		want := http.Header{
			"Content-Type":           {"text/html; charset=utf-8"},
			"Content-Length":         {fmt.Sprint(w.Body.Len())},
			"Content-Language":       w.Header()["Content-Language"],
			"Vary":                   {"Accept-Language"},
			"Cache-Control":          {"no-store"},
			"Referrer-Policy":        {"no-referrer"},
			"X-Content-Type-Options": {"nosniff"},
			"X-Frame-Options":        {"DENY"},
			"Content-Security-Policy": {"default-src 'none'; style-src 'sha256-" +
				base64.StdEncoding.EncodeToString(sum[:]) + "'" + script + "; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
		}
		if diff := cmp.Diff(want, w.Header()); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
	})
}

func TestPagesEscapeHostileData(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	// Markup and policy must be the same as with harmless data.
	everywhere := func(value string, login bool) Data {
		data := Data{
			RequestID: value, LogoutAction: value, ReturnTo: value,
			NoCookies: true, Address: value, FollowQR: value,
		}
		if login {
			data.LoginURL = value
		} else {
			data.Reload = true
		}
		return data
	}
	for name := range p.pages {
		for _, login := range []bool{true, false} {
			harmless := showPage(t, p, 400, name, "en", everywhere("x", login))
			skeleton := pageSkeleton(harmless)
			for _, hostile := range []string{
				`"><script>alert(1)</script>`,
				`' onmouseover='alert(1)`,
				`</title></style></main><img src=x onerror=alert(1)>`,
				`javascript:alert(1)`,
				`JaVaScRiPt:alert(1)`,
				`data:text/html,<script>alert(1)</script>`,
				`https://evil.example;script-src 'unsafe-inline'`,
				`https://evil.example,default-src *`,
				"/\r\nSet-Cookie: a=b",
				"{{.RequestID}}",
			} {
				w := showPage(t, p, 400, name, "en", everywhere(hostile, login))
				if got := pageSkeleton(w); got != skeleton {
					t.Errorf("%s with %q: markup changes (-want +got):\n%s", name, hostile, cmp.Diff(skeleton, got))
				}
				want := harmless.Header().Get("Content-Security-Policy")
				if got := w.Header().Get("Content-Security-Policy"); got != want {
					t.Errorf("%s with %q: policy = %q, want %q", name, hostile, got, want)
				}
				if found := scriptAddress.FindString(w.Body.String()); found != "" {
					t.Errorf("%s with %q: page holds %s", name, hostile, found)
				}
			}
		}
	}
}

var (
	attributeValue = regexp.MustCompile(`"[^"<>]*"`)
	textBetween    = regexp.MustCompile(`>[^<>]*<`)
	scriptAddress  = regexp.MustCompile(`(?i)(href|src|action)="(javascript|data:text)`)
	qrDrawing      = regexp.MustCompile(`(?s)<svg width=.*?</svg>`)
)

// pageSkeleton returns the page without its style, texts and attribute values.
func pageSkeleton(w *httptest.ResponseRecorder) string {
	s := styleElement.ReplaceAllString(w.Body.String(), "")
	s = qrDrawing.ReplaceAllString(s, "")
	s = attributeValue.ReplaceAllString(s, `""`)
	return textBetween.ReplaceAllString(s, ">\n<")
}

// The form's POST must carry the page's Origin: without Sec-Fetch-Site, nothing
// else distinguishes it from another site's.
func TestPageSignOutSendsItsOrigin(t *testing.T) {
	t.Parallel()
	body := showPage(t, testPages(t), 200, SignOut, "en", Data{LogoutAction: "/_wx/logout"}).Body.String()
	if want := `<meta name="referrer" content="same-origin">`; !strings.Contains(body, want) {
		t.Errorf("page lacks %s", want)
	}
	if strings.Contains(body, "return_to") {
		t.Error("page has a return_to field without a ReturnTo")
	}
}

func TestPagesAnswerHead(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.Render(w, r, 403, Forbidden, Data{})
	}))
	t.Cleanup(server.Close)
	response, err := server.Client().Head(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 403 || response.ContentLength <= 0 {
		t.Errorf("HEAD = %d with length %d, want 403 with the page's length",
			response.StatusCode, response.ContentLength)
	}
}

func TestPagesKeepTheCallersVary(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Cookie")
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	testPages(t).Render(w, r, 404, NotFound, Data{})
	if got := strings.Join(w.Header().Values("Vary"), ", "); got != "Cookie, Accept-Language" {
		t.Errorf("Vary = %q, want %q", got, "Cookie, Accept-Language")
	}
}
