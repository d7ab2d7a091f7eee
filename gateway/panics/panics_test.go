package panics_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/panics"
)

// A buffer keeps the log of a server.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// failDeep panics with v, or as v does, below a function whose name the stack has.
func failDeep(v any) {
	if f, ok := v.(func()); ok {
		f()
	}
	panic(v)
}

// A panic is one line that has no text from outside, and ends the connection or
// the stream. The server goes on.
func TestHandler(t *testing.T) {
	t.Parallel()
	const secret = "planted-secret"
	var none []int
	var absent map[string]int
	for _, tt := range []struct {
		name  string
		value any
		want  string // in field panic; empty: no line
	}{
		{"text", "code " + secret, "string"},
		{"error", errors.New("cookie " + secret), "*errors.errorString"},
		{"struct", struct{ Token string }{secret}, "struct { Token string }"},
		{"index out of range", func() { _ = none[len(secret)] }, "runtime error: index out of range [14] with length 0"},
		{"nil map", func() { absent[secret] = 1 }, "assignment to entry in nil map"},
		{
			"nil pointer", func() { _ = (*http.Request)(nil).Host },
			"runtime error: invalid memory address or nil pointer dereference",
		},
		{"abort", http.ErrAbortHandler, ""},
	} {
		for _, version := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, HTTP/%d", tt.name, version), func(t *testing.T) {
				t.Parallel()
				lines, standard := new(buffer), new(buffer)
				s := httptest.NewUnstartedServer(panics.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					panics.SetRequestID(r.Context(), "id-7")
					io.WriteString(w, "begun")
					if r.URL.Path == "/bug" {
						failDeep(tt.value)
					}
				}), zerolog.New(lines)))
				s.EnableHTTP2 = version == 2
				s.Config.ErrorLog = log.New(standard, "", 0)
				s.StartTLS()
				t.Cleanup(s.Close)
				if body, err := get(s, "/bug?code="+secret); err == nil {
					t.Errorf("the client got the whole response %q, want a broken one", body)
				}
				if body, err := get(s, "/"); body != "begun" || err != nil {
					t.Errorf("the next request got %q, %v", body, err)
				}
				if standard.String() != "" {
					t.Errorf("net/http logged %s", standard)
				}
				if strings.Contains(lines.String(), secret) {
					t.Errorf("log %s has the planted secret", lines)
				}
				checkLine(t, lines.String(), tt.want, "/bug", "id-7")
			})
		}
	}
}

// checkLine checks that the log is one line about a panic with the given value; if
// that is empty, that the log is empty.
func checkLine(t *testing.T, log, value, path, id string) {
	t.Helper()
	if value == "" {
		if log != "" {
			t.Errorf("log %s, want nothing", log)
		}
		return
	}
	var line struct {
		Level, Message, Panic, Stack, Method, Host, Path string
		RequestID                                        string `json:"request_id"`
	}
	if err := json.Unmarshal([]byte(log), &line); err != nil {
		t.Fatalf("log %s, want one line: %v", log, err)
	}
	if line.Level != "error" || line.Message != "panic" || line.Panic != value {
		t.Errorf("line %+v, want level error and panic %q", line, value)
	}
	if line.Path != path || line.RequestID != id {
		t.Errorf("line %+v, want path %q, id %q", line, path, id)
	}
	if !strings.Contains(line.Stack, "panics_test.failDeep (panics_test.go:") || strings.Contains(line.Stack, "0x") {
		t.Errorf("stack\n%s\nwant the function that panicked, and no arguments", line.Stack)
	}
}

func TestSetRequestIDOutsideOfHandler(t *testing.T) {
	t.Parallel()
	panics.SetRequestID(t.Context(), "id") // does nothing
	log := new(buffer)
	bug := func(http.ResponseWriter, *http.Request) { failDeep(errors.New("x")) }
	h := panics.Handler(http.HandlerFunc(bug), zerolog.New(log))
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/"+strings.Repeat("x", 9000), nil)
	func() {
		defer func() {
			if v := recover(); v != http.ErrAbortHandler {
				t.Errorf("Handler panics with %v, want http.ErrAbortHandler", v)
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), r)
	}()
	if strings.Contains(log.String(), "request_id") {
		t.Errorf("log %s has a request id", log)
	}
	checkLine(t, log.String(), "*errors.errorString", "/"+strings.Repeat("x", 1023), "")
}

func TestLog(t *testing.T) {
	t.Parallel()
	log := new(buffer)
	var running sync.WaitGroup
	running.Go(func() {
		defer func() { panics.Log(zerolog.New(log), recover()) }()
		failDeep("x")
	})
	running.Wait()
	checkLine(t, log.String(), "string", "", "")
}

// get returns the body of a response of s.
func get(s *httptest.Server, path string) (string, error) {
	res, err := s.Client().Get(s.URL + path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}
