package access_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// sent is one header that a server sends.
type sent struct {
	Status int
	Header http.Header
}

// A wire is the server's ResponseWriter: it keeps what is sent.
type wire struct {
	header  http.Header
	sent    []sent
	body    strings.Builder
	flushed bool
}

func newWire() *wire { return &wire{header: make(http.Header)} }

func (w *wire) Header() http.Header { return w.header }

func (w *wire) WriteHeader(status int) { w.sent = append(w.sent, sent{status, w.header.Clone()}) }

func (w *wire) Write(b []byte) (int, error) { return w.body.Write(b) }

func (w *wire) Flush() { w.flushed = true }

func TestRecorder(t *testing.T) {
	t.Parallel()
	final := func(status int, h http.Header) int {
		h.Set("Final", http.StatusText(status))
		return status + 1
	}
	tests := []struct {
		name   string
		final  func(int, http.Header) int
		noBody bool
		asIs   bool
		handle http.HandlerFunc
		want   []sent // nil: no header
		body   string
		bytes  int64
	}{
		{name: "nothing", handle: func(http.ResponseWriter, *http.Request) {}},
		{name: "status", handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, "no")
			io.WriteString(w, "ne")
		}, want: []sent{{404, http.Header{}}}, body: "none", bytes: 4},
		{name: "implicit 200", handle: func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "four")
		}, want: []sent{{200, http.Header{}}}, body: "four", bytes: 4},
		{name: "implicit 200 by ReadFrom", handle: func(w http.ResponseWriter, _ *http.Request) {
			w.(io.ReaderFrom).ReadFrom(strings.NewReader("four"))
		}, want: []sent{{200, http.Header{}}}, body: "four", bytes: 4},
		{name: "implicit 200 by Flush", handle: func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
		}, want: []sent{{200, http.Header{}}}},
		{name: "early hints keep Set-Cookie for the end", handle: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Link"], w.Header()["Set-Cookie"] = []string{"</a>"}, []string{"a=1", "b=2"}
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusOK)
		}, want: []sent{
			{103, http.Header{"Link": {"</a>"}}},
			{200, http.Header{"Link": {"</a>"}, "Set-Cookie": {"a=1", "b=2"}}},
		}},
		{name: "100 is dropped", handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusContinue)
			w.WriteHeader(http.StatusNoContent)
		}, want: []sent{{204, http.Header{}}}},
		{name: "101 is final", final: final, handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusSwitchingProtocols)
		}, want: []sent{{102, http.Header{"Final": {"Switching Protocols"}}}}},
		{name: "Final changes status and header", final: final, handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "four")
		}, want: []sent{
			{103, http.Header{}},
			{404, http.Header{"Final": {"Forbidden"}}},
		}, body: "four", bytes: 4},
		{name: "Final changes an implicit 200", final: final, handle: func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "four")
		}, want: []sent{{201, http.Header{"Final": {"OK"}}}}, body: "four", bytes: 4},
		{name: "no body", noBody: true, final: final, handle: func(w http.ResponseWriter, _ *http.Request) {
			n, err := io.WriteString(w, "four")
			m, err2 := w.(io.ReaderFrom).ReadFrom(strings.NewReader("three"))
			if n != 4 || m != 5 || err != nil || err2 != nil {
				t.Errorf("NoBody: wrote %d, %v and %d, %v, want 4 and 5", n, err, m, err2)
			}
		}, want: []sent{{201, http.Header{"Final": {"OK"}}}}},
		{name: "as it is", asIs: true, handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.Header()["Content-Length"] = []string{"4"}
			io.WriteString(w, "four")
		}, want: []sent{
			{103, http.Header{}},
			{200, http.Header{"Content-Length": {"4"}, "Content-Type": nil}},
		}, body: "four", bytes: 4},
		{name: "as it is, with its type", asIs: true, handle: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{""}
			w.WriteHeader(http.StatusNotFound)
		}, want: []sent{{404, http.Header{"Content-Type": {""}}}}},
		{name: "as it is, type set by Final", asIs: true, final: func(status int, h http.Header) int {
			h.Set("Content-Type", "text/plain")
			return status
		}, handle: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNotFound)
		}, want: []sent{{404, http.Header{"Content-Type": {"text/plain"}}}}},
		{name: "as it is, without a body", asIs: true, handle: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Length"], w.Header()["Etag"] = []string{"4"}, []string{"a"}
			w.WriteHeader(http.StatusNotModified)
		}, want: []sent{{304, http.Header{"Etag": {"a"}, "Content-Type": nil}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := newWire()
			w := &access.Recorder{ResponseWriter: server, Final: tt.final, NoBody: tt.noBody, AsIs: tt.asIs}
			tt.handle(w, nil)
			if diff := cmp.Diff(tt.want, server.sent); diff != "" {
				t.Errorf("headers sent (-want +got):\n%s", diff)
			}
			status := 0
			if len(tt.want) > 0 {
				status = tt.want[len(tt.want)-1].Status
			}
			if got := server.body.String(); got != tt.body || w.Status != status || w.Bytes != tt.bytes {
				t.Errorf("body %q, Status %d, Bytes %d, want %q, %d, %d", got, w.Status, w.Bytes, tt.body, status, tt.bytes)
			}
		})
	}
}

// Final is for the first final header. A second one, which net/http ignores, does
// not change what is recorded.
func TestRecorderCallsFinalOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	w := &access.Recorder{ResponseWriter: newWire(), Final: func(status int, _ http.Header) int {
		calls++
		return status
	}}
	w.WriteHeader(http.StatusForbidden)
	w.WriteHeader(http.StatusOK)
	io.WriteString(w, "x")
	w.Flush()
	if calls != 1 || w.Status != http.StatusForbidden {
		t.Errorf("Final is called %d times, Status %d, want once and 403", calls, w.Status)
	}
}

func TestRecorderFlushes(t *testing.T) {
	t.Parallel()
	direct, controlled := newWire(), newWire()
	(&access.Recorder{ResponseWriter: direct}).Flush()
	err := http.NewResponseController(&access.Recorder{ResponseWriter: controlled}).Flush()
	if !direct.flushed || !controlled.flushed || err != nil {
		t.Errorf("Flush reaches the server: %t, by ResponseController: %t, %v", direct.flushed, controlled.flushed, err)
	}
}

// A hijacked connection is recorded as 101, whether the handler uses
// ResponseController or not.
func TestRecorderHijack(t *testing.T) {
	t.Parallel()
	for name, hijack := range map[string]func(http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error){
		"Hijacker": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return w.(http.Hijacker).Hijack()
		},
		"ResponseController": func(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
			return http.NewResponseController(w).Hijack()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			recorded := make(chan int, 1)
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				w := &access.Recorder{ResponseWriter: rw}
				conn, _, err := hijack(w)
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				recorded <- w.Status
			}))
			defer server.Close()
			res, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if got := <-recorded; got != http.StatusSwitchingProtocols {
				t.Errorf("Status = %d, want 101", got)
			}
		})
	}
}

func TestRecorderHijackFails(t *testing.T) {
	t.Parallel()
	w := &access.Recorder{ResponseWriter: newWire()}
	if _, _, err := w.Hijack(); !errors.Is(err, http.ErrNotSupported) || w.Status != 0 {
		t.Errorf("Hijack = %v, Status %d, want %v and no status", err, w.Status, http.ErrNotSupported)
	}
}

// ResponseController calls the methods of the server's writer that a Recorder lacks.
func TestRecorderUnwrap(t *testing.T) {
	t.Parallel()
	server := newWire()
	if got := (&access.Recorder{ResponseWriter: server}).Unwrap(); got != server {
		t.Errorf("Unwrap = %v, want the server's writer", got)
	}
}
