package wechattest

import (
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	logSize      = 10_000
	logTextBytes = 8 << 10 // of a query or body; enough for a batch of 100 openids
)

// Request is an entry of the request log.
type Request struct {
	Time      time.Time  `json:"time"`
	Method    string     `json:"method"`
	Path      string     `json:"path"`
	Query     url.Values `json:"query,omitempty"`
	Body      string     `json:"body,omitempty"` // as it was sent; of an upload its type and size
	Remote    string     `json:"remote"`         // address and port
	UserAgent string     `json:"user_agent,omitempty"`
	// Status is the HTTP status of the response before a [Fault] changed it. It
	// is 0 until there is one, and if a fault kept the request from being
	// processed.
	Status int `json:"status"`
	// Errcode is the errcode of that response; 0: it has none.
	Errcode int `json:"errcode,omitzero"`
	// Fault is the mode of the [Fault] that applied to the request.
	Fault FaultMode `json:"fault,omitempty"`
	// Warnings are about what works here but differs from WeChat's
	// documentation.
	Warnings []string `json:"warnings,omitempty"`
}

// newEntry makes the log entry of a request.
func newEntry(r *http.Request, query url.Values, body []byte, now time.Time) *Request {
	entry := &Request{
		Time: now, Method: clip(r.Method), Path: clip(r.URL.Path), Query: query, Body: clip(string(body)),
		Remote: r.RemoteAddr, UserAgent: clip(r.UserAgent()),
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" {
		entry.Body = fmt.Sprintf("%s of %d bytes", kind, len(body))
	}
	if n := len(r.URL.RawQuery); n > logTextBytes {
		entry.Query = nil
		entry.Warnings = append(entry.Warnings, fmt.Sprintf("query of %d bytes not logged", n))
	}
	return entry
}

func clip(s string) string {
	if len(s) > logTextBytes {
		return s[:logTextBytes] + "…"
	}
	return s
}

// requestLog keeps the last entries.
type requestLog struct {
	mu      sync.Mutex
	entries []*Request // a ring once it is full
	next    int        // where the next entry goes in a full ring
}

func (l *requestLog) add(entry *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) < logSize {
		l.entries = append(l.entries, entry)
		return
	}
	l.entries[l.next] = entry
	l.next = (l.next + 1) % logSize
}

// update changes an entry of the log.
func (l *requestLog) update(entry *Request, change func(*Request)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(entry)
}

// Requests are the last 10,000 requests, oldest first, without those for
// pictures and those to the control API. A request is listed as soon as it
// arrives.
func (l *requestLog) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Request, 0, len(l.entries))
	for _, entry := range slices.Concat(l.entries[l.next:], l.entries[:l.next]) {
		copied := *entry
		copied.Warnings = slices.Clone(entry.Warnings)
		list = append(list, copied)
	}
	return list
}

// Calls counts the requests to a path, such as /sns/oauth2/access_token, in
// [Emulator.Requests].
func (l *requestLog) Calls(path string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, entry := range l.entries {
		if entry.Path == path {
			n++
		}
	}
	return n
}

// ClearRequests empties the request log.
func (l *requestLog) ClearRequests() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.next = nil, 0
}
