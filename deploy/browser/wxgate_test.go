package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// patience bounds every wait.
const patience = 20 * time.Second

// buildWXGate builds the program and returns its path. It has the race detector
// if this test has it.
func buildWXGate(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wxgate")
	race := "-race=" + strconv.FormatBool(raceDetector())
	cmd := exec.CommandContext(t.Context(), "go", "build", race, "-o", path, "./cmd/wxgate")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

func raceDetector() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// startDemo runs wxgate demo on a free port and returns its origin.
func (b *browser) startDemo(t *testing.T) string {
	t.Helper()
	return b.start(t, nil, `Open (http://127\.0\.0\.1:\d+) `, "demo", "--listen", "127.0.0.1:0")
}

// start runs wxgate until the end of the test, with that environment alone. It
// waits for output that matches and returns what the group in the pattern matches.
func (b *browser) start(t *testing.T, environ []string, pattern string, args ...string) string {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	var out output
	cmd := exec.CommandContext(ctx, b.wxgate, args...)
	cmd.Env = append([]string{}, environ...) // nil would be this test's environment
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		kill()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill()
		cmd.Wait()
		text := out.String()
		if strings.Contains(text, "WARNING: DATA RACE") {
			t.Error("wxgate has a data race")
		}
		if t.Failed() {
			t.Logf("wxgate %s\n%s", strings.Join(args, " "), text)
		}
	})
	expression := regexp.MustCompile(pattern)
	var match []string
	if !soon(func() bool {
		match = expression.FindStringSubmatch(out.String())
		return match != nil
	}) {
		t.Fatalf("wxgate %s writes nothing that matches %s", strings.Join(args, " "), pattern)
	}
	return match[1]
}

// An output keeps what a process writes. It is safe for concurrent use.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// soon reports whether the condition becomes true in time.
func soon(condition func() bool) bool {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			return false
		}
	}
	return true
}

// control calls the emulator of a demo through its control API: by GET, or by
// POST if there is a body.
func control(t *testing.T, origin, name, body string) []byte {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	address := origin + wechattest.ControlPath + name
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s %s = %d %s (%v), want 200", method, address, res.StatusCode, answer, err)
	}
	return answer
}

// emulatorRequests returns the request log of a demo's emulator, oldest first.
func emulatorRequests(t *testing.T, origin string) []wechattest.Request {
	t.Helper()
	var list []wechattest.Request
	if answer := control(t, origin, "requests", ""); json.Unmarshal(answer, &list) != nil {
		t.Fatalf("request log of the emulator: %s", answer)
	}
	return list
}

// exchanges returns how many codes the gateway has exchanged.
func exchanges(t *testing.T, origin string) int {
	t.Helper()
	n := 0
	for _, r := range emulatorRequests(t, origin) {
		if r.Path == "/sns/oauth2/access_token" {
			n++
		}
	}
	return n
}

// lastCallback returns the callback address of the last login, with the code and
// state that the emulator has seen.
func lastCallback(t *testing.T, origin string) string {
	t.Helper()
	query := url.Values{}
	for _, r := range emulatorRequests(t, origin) {
		for _, name := range []string{"code", "state"} {
			if value := r.Query.Get(name); value != "" {
				query.Set(name, value)
			}
		}
	}
	return origin + "/_wx/callback?" + query.Encode()
}

// openID returns the OpenID of a stock visitor at the stock account. It is the
// same in every emulator.
func openID(t *testing.T, visitor string) string {
	t.Helper()
	return openIDAt(t, wechattest.StockAppID, visitor)
}

// openIDAt returns the OpenID of a visitor at a stock account.
func openIDAt(t *testing.T, appID, visitor string) string {
	t.Helper()
	wx, err := wechattest.New(wechattest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return wx.OpenID(appID, visitor)
}
