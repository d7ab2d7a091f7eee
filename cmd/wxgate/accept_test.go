package main_test

import (
	"net"
	"strings"
	"testing"
)

// startWithFewFiles runs wxgate with a limit of 32 open files.
func startWithFewFiles(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	const limit = `ulimit -n 32; exec wxgate "$@"`
	return startCommand(t, environ, append([]string{"sh", "-c", limit, "sh"}, args...))
}

// exhaust opens connections to an address until the process has no file left for
// another one. It returns a function that closes them.
func exhaust(t *testing.T, address string) func() {
	t.Helper()
	var conns []net.Conn
	for range 40 { // the kernel accepts them all
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	return func() {
		for _, conn := range conns {
			conn.Close()
		}
	}
}

// A listener that cannot accept for want of files says so at level error, with the
// server's name and a hint, and accepts again once there are files.
func TestAcceptErrorsAreLogged(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"gateway", "admin", "relay", "ext_authz"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			p := startWithFewFiles(t, environment(newUpstream(t, hello), "WXGATE_EXTAUTHZ_LISTEN=127.0.0.1:0",
				"WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=/cgi-bin/x"))
			release := exhaust(t, p.listening(server))
			line := `"level":"error","server":"` + server + `"`
			p.line(line, `"message":"accept failed"`, "too many open files", `"hint":"raise`)
			release()
			eventually(t, patience, "the site answers again", func() bool { // the process closes its ends first
				status, body := get(t, "http://"+p.listening("gateway")+"/")
				return status == 200 && body == "hello"
			})
			if n := strings.Count(p.stdout.String(), line); n != 1 || p.stderr.String() != "" {
				t.Errorf("%d lines about accepting, want one; stderr %q, want nothing", n, p.stderr)
			}
		})
	}
}

func TestAcceptErrorsOfDemoAndEmulator(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ command, prefix string }{
		{"demo", "Open http://"},
		{"emulator", "WeChat emulator: http://"},
	} {
		t.Run(tt.command, func(t *testing.T) {
			t.Parallel()
			p := startWithFewFiles(t, nil, tt.command, "--listen", "127.0.0.1:0")
			address, _, _ := strings.Cut(strings.TrimPrefix(p.line(tt.prefix), tt.prefix), " ")
			release := exhaust(t, address)
			p.stderrLine("ERR", "accept failed", "too many open files")
			release()
			eventually(t, patience, "the dashboard answers again", func() bool {
				status, _ := get(t, "http://"+address+"/_emulator/")
				return status == 200
			})
		})
	}
}
