package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain puts the test binary on PATH under the name wxgate: scripts and
// tests run the whole program as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wxgate": main})
}
