package main_test

import (
	"syscall"
	"testing"
)

// healthcheck knows a process that is ready from one that drains or has ended.
func TestHealthcheckOfAProcess(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello), "WXGATE_DRAIN_DELAY=1m"))
	address := p.listening("admin")
	check := func(when string, code int, stdout string) {
		t.Helper()
		h := start(t, []string{"WXGATE_ADMIN_LISTEN=" + address}, "healthcheck")
		if got := h.exit(); got != code || h.stdout.String() != stdout {
			t.Errorf("%s: exit code %d, stdout %q, want %d and %q", when, got, h.stdout, code, stdout)
		}
	}
	p.line(`"message":"started"`)
	check("ready", 0, "ready\n")
	p.signal(syscall.SIGTERM)
	p.line(`"message":"shutting down"`)
	check("draining", 1, "draining\n")
	p.signal(syscall.SIGTERM)
	p.exit()
	check("ended", 1, "")
}
