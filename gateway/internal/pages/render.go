package pages

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	template "github.com/DataDog/datadog-agent/pkg/template/html"
)

// A view is what a template runs on. Templates call no method of it, see sayOf.
type view struct {
	Data
	page   Name
	Status int
	Lang   string // zh-CN or en
	QRCode template.HTML

	Reference  string      // see reference
	CopyScript template.JS // of the button that copies the page's address
}

// complete returns the view with the fields that follow from others.
func (v view) complete() view {
	v.Reference, v.CopyScript = v.reference(), copyScript
	return v
}

// Render answers r with the named page in the language that r prefers. A
// Retry-After or Allow header is set by the caller before.
func (s *Set) Render(w http.ResponseWriter, r *http.Request, status int, name Name, data Data) {
	v := view{
		Data:   data,
		page:   name,
		Status: status,
		Lang:   preferred(strings.Join(r.Header.Values("Accept-Language"), ",")),
	}
	if data.Address != "" {
		// If the address is too long for a QR code, the page shows it as text only.
		v.QRCode, _ = qrCode(data.Address)
	}
	var body bytes.Buffer
	page, err := s.pages[name]()
	if err == nil {
		err = page.template.Execute(&body, v.complete())
	}
	if err != nil {
		// New has run the operator's templates and the tests run those that are
		// built in, so this is a bug; the status is still right.
		http.Error(w, http.StatusText(status), status)
		return
	}
	h := w.Header()
	setHeaders(h, page.policy(data))
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	h.Set("Content-Language", v.Lang)
	h.Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	w.Write(body.Bytes()) // fails only if the visitor left
}

// setHeaders sets the headers of an HTML answer with the Content-Security-Policy.
func setHeaders(h http.Header, policy string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Content-Security-Policy", policy)
}
