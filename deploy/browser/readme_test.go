package browser_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/gateway"
)

// readmeScripts returns the two scripts of gateway/README.md of a page that drives the login:
// the one that leaves for WeChat, and the one that comes back.
func readmeScripts(t *testing.T) (leave, arrive string) {
	t.Helper()
	text, err := os.ReadFile("../../gateway/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Single-page apps\n")
	blocks := strings.Split(section, "\n```")
	if len(blocks) < 4 || !strings.HasPrefix(blocks[0]+blocks[1], "\n") || !strings.HasPrefix(blocks[1], "js\n") ||
		!strings.HasPrefix(blocks[3], "js\n") {
		t.Fatal("gateway/README.md has no two scripts at Single-page apps")
	}
	return strings.TrimPrefix(blocks[1], "js\n"), strings.TrimPrefix(blocks[3], "js\n")
}

// readmePage is a page with the README's scripts. It counts the visits after a
// login.
func readmePage(t *testing.T) http.Handler {
	leave, arrive := readmeScripts(t)
	body := fmt.Sprintf(`<!doctype html><meta charset="utf-8"><p id="who">nobody</p><button>login</button>
<script type="module">
const who = document.getElementById("who");
document.querySelector("button").onclick = async () => {
%s
};
if (new URL(location.href).searchParams.has("state")) {
%s
	const visits = Number(sessionStorage.getItem("visits")) + 1;
	sessionStorage.setItem("visits", visits);
	who.textContent = visits + " " + (visitor.openid ?? visitor.error);
}
</script>`, leave, arrive)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte(body))
	})
}

// loginTwice runs the README's scripts: two logins in a row on one page, and one at
// an address that somebody shared in the middle of a login.
func (b *browser) loginTwice(t *testing.T) {
	origin := startSite(t, readmePage(t), func(c *gateway.Site) { c.PublicPaths = []string{"/menu"} })
	lihua := openID(t, "lihua")
	tab := b.profile(t)
	tab.open(origin + "/menu?from=menu")
	tab.press("button")
	tab.see("#who", "1 "+lihua)
	tab.at(origin + "/menu?from=menu")
	tab.press("button")
	tab.see("#who", "2 "+lihua)
	tab.at(origin + "/menu?from=menu")

	tab.open(origin + "/menu?code=OLD&from=menu&state=0123456789abcdef0123456789abcdef#/tea")
	tab.see("#who", "3 invalid_state")
	tab.at(origin + "/menu?from=menu#/tea")
	tab.evaluate(`history.replaceState(null, "", "?code=OLD&from=menu&state=0123456789abcdef0123456789abcdef#/tea")`)
	tab.press("button")
	tab.see("#who", "4 "+lihua)
	tab.at(origin + "/menu?from=menu#/tea")
}
