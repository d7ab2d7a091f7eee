package wechattest

import (
	"fmt"
	"net/url"
	"slices"
	"time"
)

const (
	logSize      = 10_000
	logTextBytes = 8 << 10 // of a query or body; a batch of 100 openids fits
)

// Request is a line of the request log.
type Request struct {
	Time      time.Time  `json:"time"`
	Method    string     `json:"method"`
	Path      string     `json:"path"`
	Query     url.Values `json:"query,omitempty"`
	Body      string     `json:"body,omitempty"` // as it was sent
	Remote    string     `json:"remote"`         // address and port
	UserAgent string     `json:"user_agent,omitempty"`
	// Status is the HTTP status of the true answer; 0 while there is none, and
	// for requests that a fault kept from being processed.
	Status int `json:"status"`
	// Errcode is what the true answer refused with; 0: it did not.
	Errcode int `json:"errcode,omitzero"`
	// Fault is the mode of the [Fault] that the request suffered.
	Fault FaultMode `json:"fault,omitempty"`
	// Warnings tell what worked here but departs from WeChat's documentation.
	Warnings []string `json:"warnings,omitempty"`
}

// record begins the log line of a request.
func (c *call) record() *Request {
	entry := &Request{
		Time: c.time, Method: clip(c.r.Method), Path: clip(c.r.URL.Path), Query: c.query, Body: clip(string(c.body)),
		Remote: c.r.RemoteAddr, UserAgent: clip(c.r.UserAgent()),
	}
	if n := len(c.r.URL.RawQuery); n > logTextBytes {
		entry.Query = nil
		entry.Warnings = append(entry.Warnings, fmt.Sprintf("query of %d bytes not kept", n))
	}
	if len(c.log) < logSize {
		c.log = append(c.log, entry)
	} else {
		c.log[c.next] = entry
		c.next = (c.next + 1) % logSize
	}
	return entry
}

func clip(s string) string {
	if len(s) > logTextBytes {
		return s[:logTextBytes] + "…"
	}
	return s
}

// Requests are the last 10,000 requests, oldest first, those of the control
// API and for pictures left out. A request is listed from its arrival on.
func (e *Emulator) Requests() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]Request, 0, len(e.log))
	for _, entry := range slices.Concat(e.log[e.next:], e.log[:e.next]) {
		copied := *entry
		copied.Warnings = slices.Clone(entry.Warnings)
		list = append(list, copied)
	}
	return list
}

// Calls counts the requests to a path, such as /sns/oauth2/access_token, among
// those that [Emulator.Requests] lists.
func (e *Emulator) Calls(path string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, entry := range e.log {
		if entry.Path == path {
			n++
		}
	}
	return n
}

// ClearRequests empties the request log.
func (e *Emulator) ClearRequests() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log, e.next = nil, 0
}
