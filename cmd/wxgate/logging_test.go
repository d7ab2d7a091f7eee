package main_test

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAccessLine(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello)))
	get(t, "http://"+p.listening("gateway")+"/news/1?secret=planted")
	var line map[string]any
	if err := json.Unmarshal([]byte(p.line(`"message":"request"`)), &line); err != nil {
		t.Fatal(err)
	}
	names := []string{"bytes", "client_ip", "duration_ms", "host", "level", "message", "method", "outcome", "path", "request_id", "status", "time"}
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(line))); diff != "" {
		t.Errorf("fields of an access line (-want +got):\n%s", diff)
	}
	for name, want := range map[string]any{
		"method": "GET", "path": "/news/1", "status": 200.0, "bytes": 5.0,
		"outcome": "public", "client_ip": "127.0.0.1", "host": p.listening("gateway"),
	} {
		if line[name] != want {
			t.Errorf("%s = %v, want %v", name, line[name], want)
		}
	}
	if strings.Contains(p.stdout.String(), "planted") {
		t.Error("a query stands in the log")
	}
}

func TestAccessLogOff(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello), "WXGATE_ACCESS_LOG=false"))
	get(t, "http://"+p.listening("gateway")+"/")
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if text := p.stdout.String(); strings.Contains(text, `"message":"request"`) || !strings.Contains(text, `"message":"stopped"`) {
		t.Errorf("log without access lines = %s", text)
	}
}

func TestLogFormat(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format string
		json   bool
	}{{"json", true}, {"console", false}} {
		t.Run(test.format, func(t *testing.T) {
			t.Parallel()
			p := start(t, environment(newUpstream(t, hello), "WXGATE_LOG_FORMAT="+test.format))
			p.line("started")
			p.signal(syscall.SIGTERM)
			p.exit()
			for line := range strings.Lines(p.stdout.String()) {
				if json.Valid([]byte(line)) != test.json {
					t.Errorf("%s line %q", test.format, line)
				}
			}
		})
	}
}

// Errors on a client's connection are logged at level debug, the start at level
// info.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		level string
		want  []string
	}{
		{"debug", []string{`"level":"debug"`, `"level":"info"`}},
		{"info", []string{`"level":"info"`}},
		{"warn", nil},
	} {
		t.Run(test.level, func(t *testing.T) {
			t.Parallel()
			address := freeAddress(t)
			cert := newCertificate(t)
			p := start(t, environment(newUpstream(t, hello), "WXGATE_LOG_LEVEL="+test.level, "WXGATE_PUBLIC_URL=https://h5.example.com", "WXGATE_LISTEN="+address,
				"WXGATE_TLS_CERT_FILE="+cert.certFile, "WXGATE_TLS_KEY_FILE="+cert.keyFile))
			eventually(t, patience, "wxgate listens", func() bool { return listens(address) })
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, "this is no TLS handshake\r\n\r\n")
			io.ReadAll(conn) // until the server closes: by then it has logged the error
			p.signal(syscall.SIGTERM)
			p.exit()
			text := p.stdout.String()
			if text == "" && test.want == nil {
				return
			}
			if !containsAll(text, test.want) || strings.Contains(text, `"level":"debug"`) != (test.level == "debug") || test.want == nil {
				t.Errorf("log at level %s, want lines of %q alone:\n%s", test.level, test.want, text)
			}
		})
	}
}

// freeAddress returns an address on which no process listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
