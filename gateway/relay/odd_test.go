package relay_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The relay takes out headers that only some servers read, and adds no Content-Type to
// a response.
func TestRelayOddHeaders(t *testing.T) {
	t.Parallel()
	var seen http.Header
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "<html>")
	}, "/x")
	got := l.do("POST", "/x", nil, "Content_Length: 5", "Transfer.Encoding: chunked", "Cookie_: planted", "Host_: evil.example")
	for _, name := range []string{"Content_length", "Transfer.encoding", "Cookie_", "Host_"} {
		if _, ok := seen[http.CanonicalHeaderKey(name)]; ok {
			t.Errorf("WeChat sees %s", name)
		}
	}
	if kind, ok := got.header["Content-Type"]; ok || got.body != "<html>" {
		t.Errorf("response %q with Content-Type %q, want none", got.body, kind)
	}
}

func TestRelayRefusesOddMethods(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("WeChat is asked with %q", r.Method) }, "/x")
	for _, method := range []string{"G(T", "GET /x", ""} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://relay/x", nil)
		r.Method = method
		w := httptest.NewRecorder()
		if l.relay.ServeHTTP(w, r); w.Code != http.StatusForbidden {
			t.Errorf("method %q: status %d, want 403", method, w.Code)
		}
	}
}
