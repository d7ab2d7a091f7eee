package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// echo is a site that answers with the request that it got, as JSON, and counts
// them.
type echo struct{ hits atomic.Int64 }

// An echoed is a request as the site got it.
type echoed struct {
	Method  string
	Target  string `json:"-"` // the request target, byte for byte
	Host    string
	Proto   string
	Header  http.Header
	Trailer http.Header
	Body    string

	TargetBytes []byte // Target on its way through JSON, which is UTF-8
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.hits.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("From-Upstream", "true")
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(echoed{
		Method: r.Method, TargetBytes: []byte(r.RequestURI), Host: r.Host, Proto: r.Proto,
		Header: r.Header, Trailer: r.Trailer, Body: string(body),
	})
}

// echoIn returns the request that the body of an echo describes.
func echoIn(t testing.TB, body string) echoed {
	t.Helper()
	var e echoed
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%.300q is not the site's echo: %v", body, err)
	}
	e.Target = string(e.TargetBytes)
	return e
}

// echoOf returns the request that the site got, from its answer.
func echoOf(t testing.TB, a *answer) echoed {
	t.Helper()
	if a.StatusCode != http.StatusOK {
		t.Fatalf("answer %d %q, want the site's echo", a.StatusCode, a.body)
	}
	return echoIn(t, a.body)
}

// hasPrefixFold returns the header fields whose names begin with prefix, in
// order. Neither case nor the kind of separator counts.
func hasPrefixFold(h http.Header, prefix string) []string {
	var found []string
	for name, values := range h {
		if strings.HasPrefix(strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name)), prefix) {
			for _, v := range values {
				found = append(found, name+": "+v)
			}
		}
	}
	slices.Sort(found)
	return found
}
