package pages

import (
	"html"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// The login address is data of the page, whatever it holds; the script is the
// same for every address, or the policy would block it.
func TestWriteFragment(t *testing.T) {
	t.Parallel()
	login := regexp.MustCompile(`^<!doctype html>\n<html lang="zh-CN" data-login="([^"]*)">\n`)
	link := regexp.MustCompile(`<a href="([^"]*)">`)
	for _, address := range []string{
		"https://h5.example.com/_wx/login?return_to=%2Fshop",
		`https://h5.example.com/_wx/login?return_to="><script>alert(1)</script>`,
		`https://h5.example.com/_wx/login?return_to='</script>`,
	} {
		w := httptest.NewRecorder()
		WriteFragment(w, 401, address)
		body := w.Body.String()
		if w.Code != 401 {
			t.Errorf("%s: status = %d, want 401", address, w.Code)
		}
		if found := login.FindStringSubmatch(body); found == nil || html.UnescapeString(found[1]) != address {
			t.Errorf("%s: the script goes to %q", address, found)
		}
		if link.FindStringSubmatch(body) == nil {
			t.Errorf("%s: no link for browsers without scripts", address)
		}
		script := scriptElement.FindStringSubmatch(body)
		if script == nil || script[1] != fragmentScript || strings.Count(body, "<script") != 1 {
			t.Errorf("%s: scripts in %s, want %s alone", address, body, fragmentScript)
		}
	}
	w := httptest.NewRecorder()
	WriteFragment(w, 200, "javascript:alert(1)")
	if found := link.FindStringSubmatch(w.Body.String()); found == nil || strings.HasPrefix(found[1], "javascript:") {
		t.Errorf("link %q, want none that runs a script", found)
	}
}
