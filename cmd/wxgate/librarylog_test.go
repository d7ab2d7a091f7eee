package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A panic of a handler is one line at level error, other mistakes of it are at
// level debug.
func TestServerLogsPanics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		level   string
	}{
		"panic": {func(http.ResponseWriter, *http.Request) { panic("planted-secret") }, "error"},
		"abort": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ""},
		"superfluous WriteHeader": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.WriteHeader(http.StatusTeapot)
		}, "debug"},
		"length that is none": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "planted-secret")
			w.WriteHeader(http.StatusOK)
		}, "debug"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var lines bytes.Buffer
			conn := dialLogged(t, tt.handler, zerolog.New(&lines))
			go io.WriteString(conn, "GET /shop?code=planted-secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			io.ReadAll(conn)
			synctest.Wait()
			if strings.Contains(lines.String(), "planted-secret") {
				t.Errorf("%s: log %s has the planted secret", name, &lines)
			}
			var line struct{ Level, Message, Path string }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil && tt.level != "" || line.Level != tt.level {
				t.Errorf("%s: log %s, %v, want one line at level %q", name, &lines, err, tt.level)
			}
			if tt.level == "error" && (line.Message != "panic" || line.Path != "/shop") {
				t.Errorf("%s: line %+v, want the path", name, line)
			}
		})
	}
}

// What net/http's servers and clients log about a panic, or quote, does not get
// into the log.
func TestLibraryLines(t *testing.T) {
	t.Parallel()
	const quoted = `http: invalid Content-Length of "planted-secret"`
	const panicked = "http: panic serving 192.0.2.1:1: planted-secret\nand more\n\ngoroutine 7 [running]:\n" +
		"main.bug({0x706c616e746564, 0x3})\n\t/src/bug.go:12 +0x1d\n"
	server := func(l zerolog.Logger) io.Writer { return serverLog{l} }
	library := func(l zerolog.Logger) io.Writer { return newLibraryLog(l) }
	for _, tt := range []struct {
		name string
		w    func(zerolog.Logger) io.Writer
		text string
		want string
	}{
		{
			"client", server, "http: TLS handshake error from 192.0.2.1:1: EOF\n",
			`{"level":"debug","detail":"http: TLS handshake error from 192.0.2.1:1: EOF","message":"http server"}`,
		},
		{
			"quoted by the server", server, quoted,
			`{"level":"debug","detail":"http: invalid Content-Length of","message":"http server"}`,
		},
		{
			"panic", server, panicked,
			`{"level":"error","stack":"\t/src/bug.go:12 +0x1d\n","message":"panic"}`,
		},
		{
			"panic, HTTP/2", server, "http2" + panicked[len("http"):],
			`{"level":"error","stack":"\t/src/bug.go:12 +0x1d\n","message":"panic"}`,
		},
		{
			"quoted by a library", library, quoted,
			`{"level":"warn","detail":"http: invalid Content-Length of","message":"library message"}`,
		},
		{
			"long", library, strings.Repeat("x", 10_000),
			`{"level":"warn","detail":"` + strings.Repeat("x", 4096) + `","message":"library message"}`,
		},
	} {
		var lines bytes.Buffer
		log.New(tt.w(zerolog.New(&lines)), "", 0).Print(tt.text)
		if got := strings.TrimSpace(lines.String()); got != tt.want {
			t.Errorf("%s: log\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestLibraryLinesAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		w := newLibraryLog(zerolog.New(&lines))
		for range 3 * 60 {
			w.Write([]byte("unsolicited"))
			time.Sleep(time.Second)
		}
		warnings, rest := strings.Count(lines.String(), `"warn"`), strings.Count(lines.String(), `"debug"`)
		if warnings != 3 || rest != 177 {
			t.Errorf("180 lines in three minutes: %d at level warn, %d at level debug, want 3 and 177", warnings, rest)
		}
	})
}
