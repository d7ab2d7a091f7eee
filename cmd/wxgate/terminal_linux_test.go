package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a new terminal.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return screen, terminal
}

// Lines for people have colours on a terminal, unless NO_COLOR is present and not
// empty.
func TestConsoleColours(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		variable string
		colours  bool
	}{
		{"OTHER=1", true}, {"NO_COLOR=", true}, {"NO_COLOR=1", false}, {"NO_COLOR=0", false}, {"TERM=dumb", false},
	} {
		t.Run(tt.variable, func(t *testing.T) {
			t.Parallel()
			screen, terminal := openTerminal(t)
			cmd := exec.CommandContext(t.Context(), "wxgate")
			cmd.Env = append(environment("http://127.0.0.1:9", "WXGATE_LOG_FORMAT=console"), "TERM=xterm", tt.variable)
			cmd.Stdout = terminal
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Wait()
			defer cmd.Process.Kill()
			lines := bufio.NewScanner(screen)
			for lines.Scan() && !strings.Contains(lines.Text(), "listening") {
			}
			if line := lines.Text(); strings.Contains(line, "\x1b[") != tt.colours || !strings.Contains(line, "listening") {
				t.Errorf("line %q (%v), want colours: %t", line, lines.Err(), tt.colours)
			}
		})
	}
}

func TestConsoleHasNoColoursInAFile(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"OTHER=1", "NO_COLOR="} {
		p := start(t, environment(newUpstream(t, hello), "WXGATE_LOG_FORMAT=console", variable))
		if line := p.line("listening", "gateway"); strings.Contains(line, "\x1b") {
			t.Errorf("line %q in a pipe, want no colours", line)
		}
	}
}
