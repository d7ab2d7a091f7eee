package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// Run is the whole program, for tests that need no process of their own.
var Run = run

// TestMain puts the test binary on PATH under the name wxgate, so that scripts
// and tests can run the program as a process.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"wxgate": main})
}
