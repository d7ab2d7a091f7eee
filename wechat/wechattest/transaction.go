package wechattest

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// family is one of the three forms in which WeChat answers.
type family int

const (
	pages family = iota // HTML for a person
	sns                 // JSON as text/plain
	cgi                 // JSON as application/json; encoding=utf-8
)

// route is a path and the function that answers it. The function runs with the
// emulator locked, so that each request is one step: for example, a code can be
// used only once.
type route struct {
	path    string // empty: every other path
	method  string // empty: any
	family  family
	respond func(*transaction) response
	maxBody int64 // default maxBodyBytes
}

// transaction is one request that is being answered.
type transaction struct {
	*Emulator
	route
	r     *http.Request
	query url.Values
	body  []byte
	time  time.Time
	entry *Request // in the request log
}

const maxBodyBytes = 1 << 20

// appID is the account that a request is about, or empty if it names none.
func (x *transaction) appID() string {
	if id := x.query.Get("appid"); id != "" {
		return id
	}
	var fields struct {
		AppID string `json:"appid"`
	}
	if json.Unmarshal(x.body, &fields) == nil && fields.AppID != "" {
		return fields.AppID
	}
	token := x.query.Get("access_token")
	if t, ok := x.webTokens.get(token); ok {
		return t.appID
	}
	if t, ok := x.globalTokens.get(token); ok {
		return t.appID
	}
	return ""
}

// origin is the origin at which browsers reach the emulator.
func (x *transaction) origin() string {
	switch {
	case x.publicURL != "":
		return x.publicURL
	case x.r.TLS != nil:
		return "https://" + x.r.Host
	default:
		return "http://" + x.r.Host
	}
}

// clientIP is the address that is checked against the IP allow-list.
func (x *transaction) clientIP() netip.Addr {
	raw := x.r.Header.Get(ClientIPHeader)
	if raw == "" {
		raw, _, _ = net.SplitHostPort(x.r.RemoteAddr)
	}
	ip, _ := netip.ParseAddr(raw)
	return ip.Unmap()
}

// warn adds a warning to the request's log entry.
func (x *transaction) warn(text string) {
	x.requestLog.update(x.entry, func(entry *Request) { entry.Warnings = append(entry.Warnings, text) })
}

// logErrcode writes the code of a refusal into the request's log entry.
func (x *transaction) logErrcode(code int) {
	x.requestLog.update(x.entry, func(entry *Request) { entry.Errcode = code })
}
