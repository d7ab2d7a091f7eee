package prometheus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	repository = "../.."

	// patience bounds every wait.
	patience = 20 * time.Second
)

// buildGateway builds wxgate from the source of this repository.
func buildGateway(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "wxgate")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/wxgate")
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// A gateway is a running wxgate.
type gateway struct {
	t     *testing.T
	addrs map[string]string // by the name of the server, such as "admin"

	mu    sync.Mutex
	lines bytes.Buffer
}

// startGateway runs wxgate until the end of the test. It returns when wxgate is
// ready.
func startGateway(t *testing.T, binary string, environ ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, addrs: map[string]string{}}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append([]string{"WXGATE_ADMIN_LISTEN=127.0.0.1:0", "WXGATE_DRAIN_DELAY=0s"}, environ...)
	cmd.Stdout, cmd.Stderr = g, g
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cmd.Wait()
		if t.Failed() {
			t.Logf("wxgate:\n%s", g.text())
		}
	})
	eventually(t, "wxgate is ready", func() bool {
		g.find()
		if g.addrs["admin"] == "" {
			return false
		}
		res, err := http.Get("http://" + g.addrs["admin"] + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return g
}

// find looks in the log for the addresses on which the gateway's servers listen.
func (g *gateway) find() {
	for line := range bytes.Lines([]byte(g.text())) {
		var fields struct{ Message, Server, Address string }
		if json.Unmarshal(line, &fields) == nil && fields.Address != "" {
			g.addrs[fields.Server] = fields.Address
		}
	}
}

// Write keeps the gateway's output.
func (g *gateway) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lines.Write(b)
}

func (g *gateway) text() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lines.String()
}

// scrape reads the gateway's metrics.
func (g *gateway) scrape() scrape {
	g.t.Helper()
	res, err := http.Get("http://" + g.addrs["admin"] + "/metrics")
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		g.t.Fatalf("/metrics: %d, %v", res.StatusCode, err)
	}
	return scraped(g.t, string(text))
}

// scrapeAfter reads the metrics again until a series has at least a value.
func (g *gateway) scrapeAfter(name string, value float64) (s scrape) {
	g.t.Helper()
	eventually(g.t, name, func() bool {
		s = g.scrape()
		return s[name] >= value
	})
	return s
}

// eventually waits until the condition is true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// freeAddress returns a loopback address with a free port.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
