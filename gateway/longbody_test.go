package gateway_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// longText is the content of long answers: a piece that is missing or out of order shows.
var longText = func() []byte {
	b := make([]byte, 1<<20)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}()

// readingWriter is a ResponseWriter that tells whether it has read an answer itself.
type readingWriter struct {
	*httptest.ResponseRecorder
	reads int
}

func (w *readingWriter) ReadFrom(src io.Reader) (int64, error) {
	w.reads++
	return io.Copy(w.ResponseRecorder, src)
}

// The server reads long answers of the site itself, so that the kernel can move them. What
// it cannot move, or has to flush meanwhile, is copied as before. The answers are the same.
func TestLongAnswersAreMoved(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, kind string
		bytes              int
		unknown            bool // the length
		change             func(*http.Request)
		moved              bool
	}{
		{"long", "GET", "image/png", 1 << 20, false, nil, true},
		{"just long", "GET", "image/png", 64 << 10, false, nil, true},
		{"without a kind", "GET", "", 64 << 10, false, nil, true},
		{"short", "GET", "image/png", 64<<10 - 1, false, nil, false},
		{"no length", "GET", "image/png", 1 << 20, true, nil, false},
		{"event stream", "GET", "text/event-stream", 1 << 20, false, nil, false},
		{"event stream with a parameter", "GET", "Text/Event-Stream; charset=utf-8", 1 << 20, false, nil, false},
		{"head", "HEAD", "image/png", 1 << 20, false, nil, false},
		{"TLS", "GET", "image/png", 1 << 20, false, func(r *http.Request) { r.TLS = new(tls.ConnectionState) }, false},
		{"HTTP/2", "GET", "image/png", 1 << 20, false, func(r *http.Request) {
			r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
			r.URL.Scheme, r.URL.Host, r.RequestURI = "", "", "/"
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{test.kind}
				if test.unknown {
					w.(http.Flusher).Flush()
				} else {
					w.Header().Set("Content-Length", strconv.Itoa(test.bytes))
				}
				w.Write(longText[:test.bytes])
			})
			g, rig := newGateway(t, site)
			r := httptest.NewRequestWithContext(t.Context(), test.method, rigOrigin+"/", nil)
			r.Header.Set("Cookie", signedIn(t))
			r.TLS = nil
			if test.change != nil {
				test.change(r)
			}
			w := &readingWriter{ResponseRecorder: httptest.NewRecorder()}
			g.ServeHTTP(w, r)
			want := longText[:test.bytes]
			if test.method == "HEAD" {
				want = nil
			}
			if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), want) {
				t.Errorf("status %d with %d bytes, want the site's answer of %d", w.Code, w.Body.Len(), len(want))
			}
			if line := rig.lines.next(t); line["bytes"] != float64(len(want)) {
				t.Errorf("the access line has %v bytes, want %d", line["bytes"], len(want))
			}
			if (w.reads > 0) != test.moved {
				t.Errorf("the server has read the answer %d times itself, want that: %t", w.reads, test.moved)
			}
		})
	}
}

// Long answers arrive whole over real connections, one after the other, and an answer that
// the site breaks off is broken for the visitor.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := len(longText)
		w.Header().Set("Content-Length", strconv.Itoa(n))
		if r.URL.Path == "/cut" {
			w.Write(longText[:n/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Write(longText)
	}))
	for i, path := range []string{"/", "/", "/cut", "/", "/cut"} {
		res, err := rig.Client().Do(rig.newRequest(t, "GET", path, nil, "Cookie", signedIn(t)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		res.Body.Close()
		line := rig.lines.next(t)
		if path == "/cut" {
			if err == nil || !bytes.HasPrefix(longText, got) || line["bytes"].(float64) > float64(len(longText)/2) {
				t.Errorf("answer %d: %d bytes, %v, access line %v; want a part of it and an error", i, len(got), err, line)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, longText) || line["bytes"] != float64(len(longText)) {
			t.Errorf("answer %d: %d bytes, %v, access line %v; want all", i, len(got), err, line)
		}
	}
}
