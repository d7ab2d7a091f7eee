package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// patience limits every wait.
const patience = 20 * time.Second

// A transcript keeps what a process writes and wakes those who wait for more.
type transcript struct {
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newTranscript() *transcript {
	return &transcript{changed: make(chan struct{})}
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
	return t.text.Write(p)
}

func (t *transcript) read() (text string, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String(), t.changed
}

func (t *transcript) String() string {
	text, _ := t.read()
	return text
}

// A process is a running wxgate.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *transcript
	ended          chan struct{} // closed when the process has ended; then err is set
	err            error
}

// start runs wxgate with the arguments and the environment. It is killed at the
// end of the test.
func start(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	return startCommand(t, environ, append([]string{"wxgate"}, args...))
}

// startCommand runs a command that becomes wxgate.
func startCommand(t *testing.T, environ, command []string) *process {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	p := &process{
		t:      t,
		cmd:    exec.CommandContext(ctx, command[0], command[1:]...),
		stdout: newTranscript(),
		stderr: newTranscript(),
		ended:  make(chan struct{}),
	}
	p.cmd.Env = append([]string{
		"GOCOVERDIR=" + os.Getenv("GOCOVERDIR"), "PATH=" + os.Getenv("PATH"), // sh looks for wxgate there
	}, environ...)
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		kill()
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		kill()
		<-p.ended
		if t.Failed() {
			t.Logf("%s\nstdout:\n%s\nstderr:\n%s", strings.Join(command, " "), p.stdout, p.stderr)
		}
	})
	return p
}

// line waits for a line of stdout that contains all parts, and returns the first.
func (p *process) line(parts ...string) string {
	p.t.Helper()
	return p.lineOf(p.stdout, parts)
}

// stderrLine waits for such a line of stderr.
func (p *process) stderrLine(parts ...string) string {
	p.t.Helper()
	return p.lineOf(p.stderr, parts)
}

func (p *process) lineOf(written *transcript, parts []string) string {
	p.t.Helper()
	deadline := time.After(patience)
	for {
		text, changed := written.read()
		for line := range strings.Lines(text) {
			if strings.HasSuffix(line, "\n") && containsAll(line, parts) {
				return strings.TrimSuffix(line, "\n")
			}
		}
		select {
		case <-changed:
		case <-p.ended:
			if changed, _ := written.read(); changed != text {
				continue
			}
			p.t.Fatalf("wxgate ended without a line with %q: %v", parts, p.err)
		case <-deadline:
			p.t.Fatalf("no line with %q", parts)
		}
	}
}

func containsAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

// signal sends a signal to the process.
func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %v: %v", s, err)
	}
}

// exit waits for the end of the process and returns its exit code; -1 if a signal
// ended it.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatal("wxgate does not end")
	}
	if e, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return e.ExitCode()
	} else if p.err != nil {
		p.t.Fatal(p.err)
	}
	return 0
}

// listening waits for the log line of a server and returns the server's address.
func (p *process) listening(server string) string {
	p.t.Helper()
	var entry struct{ Address string }
	line := p.line(`"message":"listening"`, `"server":"`+server+`"`)
	if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Address == "" {
		p.t.Fatalf("listening line %q: %v", line, err)
	}
	return entry.Address
}

// cookieKey is the key of every gateway that tests start.
const cookieKey = "pN1oO8hS8dA0mYb0yQm3V2oXh5m0Jt1mX7f6s2kq9Zc="

// environment returns a valid configuration of `wxgate serve` with an upstream all
// of whose paths of up to two segments are public. Changes replace variables; one without = removes its
// variable.
func environment(upstream string, changes ...string) []string {
	vars := map[string]string{
		"WXGATE_APP_ID":       wechattest.StockAppID,
		"WXGATE_APP_SECRET":   wechattest.StockAppSecret,
		"WXGATE_COOKIE_KEYS":  cookieKey,
		"WXGATE_UPSTREAM":     upstream,
		"WXGATE_PUBLIC_URL":   "http://h5.example.com",
		"WXGATE_PUBLIC_PATHS": "/{$},/{page},/{folder}/{page}",
		"WXGATE_LISTEN":       "127.0.0.1:0",
		"WXGATE_ADMIN_LISTEN": "127.0.0.1:0",
		"WXGATE_DRAIN_DELAY":  "0s",
	}
	for _, change := range changes {
		if name, value, ok := strings.Cut(change, "="); ok {
			vars[name] = value
		} else {
			delete(vars, name)
		}
	}
	var list []string
	for name, value := range maps.All(vars) {
		list = append(list, name+"="+value)
	}
	return list
}

// newUpstream starts a site that answers with h.
func newUpstream(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	site := httptest.NewServer(h)
	t.Cleanup(site.Close)
	return site.URL
}

func hello(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "hello")
}

// newClient returns a client that opens a connection for each request and
// follows no redirect.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	return &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get sends one request and returns status and body of the response.
func get(t *testing.T, address string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// eventually waits until yes returns true.
func eventually(t *testing.T, within time.Duration, what string, yes func() bool) {
	t.Helper()
	if !soon(within, yes) {
		t.Fatalf("%s: not within %v", what, within)
	}
}

// soon reports whether yes returns true in time.
func soon(within time.Duration, yes func() bool) bool {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(within)
	for !yes() {
		select {
		case <-again.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// listens reports whether the address accepts connections.
func listens(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
