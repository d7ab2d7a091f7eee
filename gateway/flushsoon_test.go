package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// unsized answers without a length, in pieces that it flushes.
func unsized(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for _, piece := range []string{"one ", "two"} {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
		}
	}
}

// A short answer without a length leaves in one piece, unless it is an event stream. When
// the machine is busy, a piece may wait too long: one answer of many is enough.
func TestShortAnswersLeaveAtOnce(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]bool{"text/html": true, "text/event-stream": false} {
		g, _ := newGateway(t, unsized(kind))
		whole := false
		for range 50 {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), "GET", rigOrigin+"/", nil)
			r.Header.Set("Cookie", signedIn(t))
			g.ServeHTTP(w, r)
			if w.Code != 200 || w.Body.String() != "one two" {
				t.Fatalf("%s: status %d with %q", kind, w.Code, w.Body)
			}
			whole = whole || !w.Flushed
		}
		if whole != want {
			t.Errorf("%s: an answer left in one piece: %t, want %t", kind, whole, want)
		}
	}
}

// The pieces of any answer without a length reach the visitor before the next one is made.
func TestPiecesArriveBeforeTheNext(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"application/x-ndjson", "text/html", "text/event-stream"} {
		next := make(chan string)
		rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.(http.Flusher).Flush()
			for piece := range next {
				io.WriteString(w, piece)
				w.(http.Flusher).Flush()
			}
		}))
		conn := rig.dial(t)
		conn.say(t, "GET / HTTP/1.1", "Host: "+rigHost, "Cookie: "+signedIn(t), "")
		res := conn.hear(t, "GET") // before the first piece
		for _, piece := range []string{"one\n", "two\n"} {
			next <- piece
			got := make([]byte, len(piece))
			if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != piece {
				t.Fatalf("%s: read %q, %v; want %q", kind, got, err, piece)
			}
		}
		close(next)
		if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
			t.Errorf("%s: %q, %v after the last piece, want the end", kind, rest, err)
		}
	}
}
