package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// healthchecked runs `wxgate healthcheck` with nothing but an admin address.
func healthchecked(environ []string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(append([]string{"healthcheck"}, args...), environ, &out, &errs)
	return code, out.String(), errs.String()
}

func TestHealthcheckAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		code   int
		stdout string
	}{
		{"ready", 200, "ready\n", 0, "ready\n"},
		{"ready with a note", 200, "ready\nredis has not answered for 3s: timeout\n", 0,
			"ready; redis has not answered for 3s: timeout\n"},
		{"draining", 503, "draining\n", 1, "draining\n"},
		{"not ready", 503, "not ready\nredis has not answered for 3s: timeout\n", 1,
			"not ready; redis has not answered for 3s: timeout\n"},
		{"control characters", 503, "not ready\na\x1b[31mb\x00\r\n", 1, "not ready; a[31mb\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != "/readyz" {
					t.Errorf("asked for %s %s, want GET /readyz", r.Method, r.URL)
				}
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			address := server.Listener.Addr().String()
			// No other variable counts.
			environ := []string{"WXGATE_ADMIN_LISTEN=" + address, "WXGATE_LISTEN=bad", "WXGATE_NONE=1"}
			code, stdout, stderr := healthchecked(environ)
			if code != test.code || stdout != test.stdout || stderr != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q, want %d, %q and nothing",
					code, stdout, stderr, test.code, test.stdout)
			}
		})
	}
}

// What another server answers is no answer of wxgate's.
func TestHealthcheckOfAnotherServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		shown  string
	}{
		{"ok", 200, "ok\n", "200 OK"},
		{"a page", 200, "<!DOCTYPE html><title>ready</title>", "200 OK"},
		{"nothing", 200, "", "200 OK"},
		{"JSON", 200, `{"status":"ready"}`, "200 OK"},
		{"longer word", 200, "ready to serve\n", "200 OK"},
		{"the other status", 503, "ready\n", "503 Service Unavailable"},
		{"draining, but 200", 200, "draining\n", "200 OK"},
		{"no such path", 404, "404 page not found\n", "404 Not Found"},
		{"no content", 204, "", "204 No Content"},
		{"redirect", 302, "", "302 Found"},
		{"redirect that says ready", 302, "ready\n", "302 Found"},
		{"no text", 502, "", "502 Bad Gateway"},
		{"unavailable", 503, "planted\n", "503 Service Unavailable"},
		{"control characters", 0, "HTTP/1.1 200 \x1b]0;planted\x07\r\nContent-Length: 0\r\n\r\n", "200 ]0;planted"},
		{"no HTTP", 0, "SSH-2.0-OpenSSH_9.9\r\n", "no HTTP"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if test.status == 0 {
					conn, _, err := http.NewResponseController(w).Hijack()
					if err == nil {
						io.WriteString(conn, test.body)
						conn.Close()
					}
					return
				}
				w.Header().Set("Location", "/ready")
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			}))
			defer server.Close()
			address := server.Listener.Addr().String()
			code, stdout, stderr := healthchecked([]string{"WXGATE_ADMIN_LISTEN=" + address})
			want := "wxgate: healthcheck: http://" + address + "/readyz: something other than wxgate answers there (" +
				test.shown + "); end it, or correct WXGATE_ADMIN_LISTEN\n"
			if code != 1 || stdout != "" || stderr != want {
				t.Errorf("exit code %d, stdout %q, stderr %q, want 1, nothing and %q", code, stdout, stderr, want)
			}
		})
	}
}

// A listener without a host of its own is asked at the loopback address.
func TestHealthcheckAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		environ []string
		want    string // the address; or the begin of the error
	}{
		{nil, "127.0.0.1:9090"},
		{[]string{"WXGATE_ADMIN_LISTEN=:9191"}, "127.0.0.1:9191"},
		{[]string{"WXGATE_ADMIN_LISTEN=0.0.0.0:9090"}, "127.0.0.1:9090"},
		{[]string{"WXGATE_ADMIN_LISTEN=[::ffff:0.0.0.0]:9090"}, "127.0.0.1:9090"},
		{[]string{"WXGATE_ADMIN_LISTEN=[::]:9090"}, "[::1]:9090"},
		{[]string{"WXGATE_ADMIN_LISTEN=10.0.0.7:9090"}, "10.0.0.7:9090"},
		{[]string{"WXGATE_ADMIN_LISTEN=localhost:9090"}, "localhost:9090"},
		{[]string{"WXGATE_ADMIN_LISTEN=:1", "WXGATE_ADMIN_LISTEN=:9393"}, "127.0.0.1:9393"},
		{[]string{"WXGATE_ADMIN_LISTEN="}, "WXGATE_ADMIN_LISTEN is empty"},
		{[]string{"WXGATE_ADMIN_LISTEN=9090"}, `WXGATE_ADMIN_LISTEN="9090": expected host:port`},
		{[]string{"WXGATE_ADMIN_LISTEN=:http"}, `WXGATE_ADMIN_LISTEN=":http": expected host:port`},
		{[]string{"WXGATE_ADMIN_LISTEN=127.0.0.1:0"}, "WXGATE_ADMIN_LISTEN has port 0"},
	} {
		address, err := readyAddress(test.environ)
		if got := address; err == nil && got != test.want {
			t.Errorf("%q: address %s, want %s", test.environ, got, test.want)
		}
		if err == nil {
			continue
		}
		code, stdout, stderr := healthchecked(test.environ)
		if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "wxgate: "+test.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: exit code %d, stdout %q, stderr %q, want 1 and the reason %q",
				test.environ, code, stdout, stderr, test.want)
		}
	}
}

func TestHealthcheckOfNoProcess(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := healthchecked([]string{"WXGATE_ADMIN_LISTEN=127.0.0.1:1"})
	if code != 1 || stdout != "" || !strings.HasPrefix(stderr, "wxgate: healthcheck: dial tcp 127.0.0.1:1") {
		t.Errorf("exit code %d, stdout %q, stderr %q, want 1 and the reason", code, stdout, stderr)
	}
}

// The time is limited for the header and for the body.
func TestHealthcheckTimeout(t *testing.T) {
	t.Parallel()
	for name, begins := range map[string]bool{"no answer": false, "no end": true} {
		ctx, cancel := context.WithCancel(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if begins {
				w.WriteHeader(http.StatusOK)
				http.NewResponseController(w).Flush()
			}
			cancel()
			<-r.Context().Done()
		}))
		ready, said, err := askReady(ctx, server.Listener.Addr().String())
		if ready || said != "" || err == nil {
			t.Errorf("%s: ready %t, %q, %v, want an error", name, ready, said, err)
		}
		server.Close()
	}
	if healthcheckTimeout != 5*time.Second {
		t.Errorf("timeout %v, want 5s", healthcheckTimeout)
	}
}

// An error says where no answer came from, and how long it was waited for.
func TestHealthcheckErrorsNameTheAddress(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") == "close" {
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	address := server.Listener.Addr().String()
	_, _, cut := askReady(t.Context(), address)
	over, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	_, _, late := askReady(over, address)
	ended, end := context.WithCancelCause(t.Context())
	end(context.DeadlineExceeded) // as in the middle of an answer
	_, _, broken := askReady(ended, address)
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"too late for a connection", late, "http://" + address + "/readyz: no answer within 5s"},
		{"too late for an answer", broken, "http://" + address + "/readyz: no answer within 5s"},
		{"cut off", cut, "http://" + address + "/readyz: EOF"},
	} {
		if got := withAddress(test.err, address); got == nil || got.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, got, test.want)
		}
	}
}

func TestHealthcheckArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		code int
		said []string // on stderr; the help on stdout
	}{
		{[]string{"http://127.0.0.1:9090"}, 2, []string{`wxgate: unexpected argument "http://127.0.0.1:9090"`}},
		{[]string{"--timeout", "1s"}, 2, []string{`wxgate: unknown flag "--timeout": see `}},
		{[]string{"--help"}, 0, []string{
			"Usage: wxgate healthcheck", "WXGATE_ADMIN_LISTEN", "Exit codes: 0 ready; 1 ", "Example: ",
		}},
	} {
		code, stdout, stderr := healthchecked(nil, test.args...)
		said, nothing := stderr, stdout
		if test.code == 0 {
			said, nothing = stdout, stderr
		}
		for _, part := range test.said {
			if code != test.code || nothing != "" || !strings.Contains(said, part) {
				t.Errorf("%q: exit code %d, stdout %q, stderr %q, want %d and %q", test.args, code, stdout, stderr, test.code, part)
			}
		}
	}
}
