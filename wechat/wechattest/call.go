package wechattest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// family is one of WeChat's three ways to answer.
type family int

const (
	pages family = iota // HTML for a person
	sns                 // JSON as text/plain
	cgi                 // JSON as application/json; encoding=utf-8
)

// route is one path and how it answers. The answer is made under the
// emulator's lock, so that each request is one step: a code can be marked as
// used only once.
type route struct {
	path    string // empty: every other path
	method  string // empty: any
	family  family
	respond func(*call) response
}

// call is one request being answered.
type call struct {
	*Emulator
	route
	r     *http.Request
	query url.Values
	body  []byte
	time  time.Time
	entry *Request // its line in the log
}

// response is an answer before it is sent, so that a fault can spoil it.
type response struct {
	status      int // default 200
	contentType string
	header      http.Header
	body        []byte
}

const maxBodyBytes = 1 << 20

// serve logs a request, finds the fault that it is to suffer, and answers.
func (e *Emulator) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
		c := &call{Emulator: e, route: rt, r: r, query: r.URL.Query(), body: body}
		fault := c.begin()
		c.deliver(w, fault, func() response {
			e.mu.Lock()
			defer e.mu.Unlock()
			c.time = e.now()
			answer := c.answered()
			c.entry.Status = answer.status
			return answer
		})
	})
}

// begin writes the log line and takes a fault. A wrong method takes none: it is
// refused before.
func (c *call) begin() *Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.now()
	c.entry = c.record()
	if c.route.path == "" || c.r.Method != c.route.method {
		return nil
	}
	fault := c.takeFault(c.r.URL.Path, c.appID())
	if fault != nil {
		c.entry.Fault = fault.Mode
	}
	return fault
}

func (c *call) answered() response {
	head := c.family == pages && c.r.Method == http.MethodHead
	if c.method != "" && c.r.Method != c.method && !head {
		switch {
		case c.family == pages:
			return response{status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {c.method}}}
		case c.method == http.MethodGet:
			return c.refused(refuse(43001))
		default:
			return c.refused(refuse(43002))
		}
	}
	if head && c.path != "" {
		// A link checker's HEAD must not cost anybody a code.
		return response{status: http.StatusOK, contentType: htmlType}
	}
	return c.respond(c)
}

// appID is the account that a request is about, as far as it says.
func (c *call) appID() string {
	if id := c.query.Get("appid"); id != "" {
		return id
	}
	var fields struct {
		AppID string `json:"appid"`
	}
	if json.Unmarshal(c.body, &fields) == nil && fields.AppID != "" {
		return fields.AppID
	}
	token := c.query.Get("access_token")
	if t, ok := c.web.get(token); ok {
		return t.appID
	}
	if t, ok := c.global.get(token); ok {
		return t.appID
	}
	return ""
}

// base is the origin at which browsers reach the emulator.
func (c *call) base() string {
	switch {
	case c.publicURL != "":
		return c.publicURL
	case c.r.TLS != nil:
		return "https://" + c.r.Host
	default:
		return "http://" + c.r.Host
	}
}

// clientIP is the address that is held against the IP allow-list.
func (c *call) clientIP() netip.Addr {
	raw := c.r.Header.Get(ClientIPHeader)
	if raw == "" {
		raw, _, _ = net.SplitHostPort(c.r.RemoteAddr)
	}
	ip, _ := netip.ParseAddr(raw)
	return ip.Unmap()
}

func (c *call) warn(text string) { c.entry.Warnings = append(c.entry.Warnings, text) }
