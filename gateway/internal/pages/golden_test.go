package pages

import (
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files of the pages")

var (
	// pageParts are the parts that differ between pages: the end of the head,
	// and the content of the body.
	pageParts = regexp.MustCompile(`(?s)^(.*<meta name="robots" content="noindex">\n)(.*</title>\n)` +
		`(.*<body>\n)(.*)(</body>.*)$`)
	qrPathOf = regexp.MustCompile(`<path fill="#000" d="[^"]+"/>`)
)

// The frame around every page is in one golden file, without the style. The
// golden file of a page holds what differs, without the copy script and the
// path of a QR code, which have tests of their own.
func TestPagesGolden(t *testing.T) {
	t.Parallel()
	p := testPages(t)
	for _, c := range pageCases {
		for _, language := range pageLanguages {
			name := c.golden + "." + language
			frame, parts := splitPage(t, showPage(t, p, c.status, c.page, language, c.data), language)
			wantGolden(t, "frame.html", name, frame)
			wantGolden(t, filepath.Join("pages", name+".html"), name, parts)
		}
	}
}

// splitPage returns the frame of a page in the language, with … for what
// differs, and the parts that differ.
func splitPage(t *testing.T, w *httptest.ResponseRecorder, language string) (frame, parts string) {
	t.Helper()
	body := styleElement.ReplaceAllLiteralString(w.Body.String(), "<style>…</style>")
	body = strings.Replace(body, "<script>"+string(copyScript)+"</script>", "<script>…</script>", 1)
	body = qrPathOf.ReplaceAllLiteralString(body, `<path fill="#000" d="…"/>`)
	body = strings.Replace(body, `<html lang="`+language+`">`, `<html lang="…">`, 1)
	p := pageParts.FindStringSubmatch(body)
	if p == nil {
		t.Fatalf("page %s is not in the frame", body)
	}
	return p[1] + "…\n" + p[3] + "…\n" + p[5], p[2] + p[4]
}

// wantGolden compares got, which is of the page, with a golden file.
func wantGolden(t *testing.T, golden, page, got string) {
	t.Helper()
	file := filepath.Join("testdata", golden)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("page %s differs from %s (-want +got), -update rewrites it:\n%s", page, file, diff)
	}
}
