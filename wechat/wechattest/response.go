package wechattest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// response is an answer before it is sent, so that a fault can change it.
type response struct {
	status      int // default 200
	contentType string
	header      http.Header
	body        []byte
}

// with returns the header with one more field.
func (res response) with(name, value string) http.Header {
	header := http.Header{}
	maps.Copy(header, res.header)
	header.Set(name, value)
	return header
}

func (res response) send(w http.ResponseWriter) {
	header := w.Header()
	maps.Copy(header, res.header)
	if res.contentType != "" {
		header.Set("Content-Type", res.contentType)
	} else {
		header["Content-Type"] = nil // otherwise net/http guesses one
	}
	w.WriteHeader(cmp.Or(res.status, http.StatusOK))
	w.Write(res.body)
}

// redirect sends the browser to an address and keeps it out of caches.
func redirect(location string) response {
	return response{status: http.StatusFound, header: http.Header{
		"Location": {headerSafe(location)}, "Cache-Control": {"no-store"},
	}}
}

// headerSafe escapes the characters that may not be part of a header or an
// address. A percent sign is kept: what redirect_uri escaped twice is escaped
// once here and stays so.
func headerSafe(address string) string {
	var b strings.Builder
	for i := range len(address) {
		switch ch := address[i]; {
		case ch <= ' ' || ch >= 0x7f || strings.IndexByte(`"<>\^{|}`+"`", ch) >= 0:
			fmt.Fprintf(&b, "%%%02X", ch)
		default:
			b.WriteByte(ch)
		}
	}
	return b.String()
}
