package main_test

import (
	"syscall"
	"testing"
)

// SIGHUP makes the process reread its files, and ends nothing.
func TestHangupRereadsFiles(t *testing.T) {
	t.Parallel()
	p, files := startTLS(t)
	address := p.listening("gateway")
	files.replace(t, 2)
	p.signal(syscall.SIGHUP)
	p.line(`"message":"rereading files after SIGHUP"`)
	eventually(t, patience, "the new certificate is served", func() bool { return served(t, address) == 2 })
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
