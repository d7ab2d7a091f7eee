package wechattest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// waiting starts a page whose button answers the login request.
func (c consent) waiting() view {
	v := c.view()
	v.Account = v.Name(c.account.name())
	if u, err := url.Parse(c.redirectURI); err == nil {
		v.Host = u.Host
	}
	v.ID = c.random.text(lettersAndDigits, 32)
	c.pending.put(c.time, v.ID, c.loginRequest)
	return v
}

func (c consent) choosePage() response {
	v := c.waiting()
	v.People = c.visitors.cards(c.account.AppID, c.phone)
	return render("choose.html", http.StatusOK, v)
}

func (c consent) scanPage() response {
	v := c.waiting()
	if c.chooseVisitor {
		v.People = c.visitors.cards(c.account.AppID, c.phone)
	}
	return render("scan.html", http.StatusOK, v)
}

func (c consent) consentPage(who *visitor) response {
	v := c.waiting()
	v.Visitor = who.card(c.account.AppID, c.phone)
	return render("consent.html", http.StatusOK, v)
}

func (c consent) snapshotPage(who *visitor) response {
	v := c.waiting()
	v.Visitor = who.card(c.account.AppID, c.phone)
	return render("snapshot.html", http.StatusOK, v)
}

func (c consent) declinedPage() response { return render("declined.html", http.StatusOK, c.view()) }

// Modules are the dark modules of the scan page's picture of a QR code. It
// encodes nothing: three finder patterns and noise.
func (v view) Modules() template.HTMLAttr {
	const size = 25
	var path strings.Builder
	noise := digest("modules", v.ID)
	for i := range size * size {
		x, y := i%size, i/size
		dark := noise[i/8%len(noise)]>>(i%8)&1 == 1
		for _, corner := range [][2]int{{0, 0}, {size - 7, 0}, {0, size - 7}} {
			dx, dy := x-corner[0], y-corner[1]
			if dx < -1 || dx > 7 || dy < -1 || dy > 7 {
				continue
			}
			ring := max(abs(dx-3), abs(dy-3))
			dark = ring == 3 || ring < 2
		}
		if dark {
			fmt.Fprintf(&path, "M%d %dh1v1h-1z", x, y)
		}
	}
	return template.HTMLAttr(`d="` + path.String() + `"`)
}

func abs(n int) int { return max(n, -n) }
