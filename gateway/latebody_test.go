package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// lateBody is a request body whose rest does not arrive before the deadline that a
// server sets for it.
type lateBody struct {
	io.Reader
	late func()
}

func (b *lateBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		b.late()
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (b *lateBody) Close() error { return nil }

// A body that does not arrive in time is the client's fault: 408, and no failure of
// the site.
func TestLateBody(t *testing.T) {
	t.Parallel()
	site := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
	for _, test := range []struct {
		name    string
		method  string
		cancels bool // whether the server cancels the request too
		length  int64
		header  []string
		media   string
	}{
		{"HTTP/1.1, script", "POST", true, 100, fromScript, "application/json; charset=utf-8"},
		{"HTTP/1.1, chunked", "POST", true, -1, fromScript, "application/json; charset=utf-8"},
		{"HTTP/1.1, page load", "GET", true, 100, asPage, "text/html; charset=utf-8"},
		{"HTTP/2, script", "POST", false, 100, fromScript, "application/json; charset=utf-8"},
		{"HTTP/2, length unknown", "POST", false, -1, fromScript, "application/json; charset=utf-8"},
		{"HTTP/2, page load", "GET", false, 100, asPage, "text/html; charset=utf-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g, rig := newGateway(t, site)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, test.method, rigOrigin+"/orders", nil)
			late := func() {}
			if test.cancels {
				late = cancel
			}
			r.Body, r.ContentLength = &lateBody{strings.NewReader("half"), late}, test.length
			r.Header.Set("Cookie", signedIn(t))
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Type"); w.Code != 408 || got != test.media {
				t.Errorf("answer %d %s, want 408 %s", w.Code, got, test.media)
			}
			line := rig.lines.next(t)
			if line["status"] != 408.0 || line["level"] != "info" {
				t.Errorf("access line %v, want status 408", line)
			}
		})
	}
}
