package documents_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// addresses are those on which the commands of the documents listen.
var addresses = []string{
	"127.0.0.1:8000", "127.0.0.1:8080", "127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:9090", "127.0.0.1:9191",
}

// A walk goes through the blocks of a document.
type walk struct {
	t       *testing.T
	dir     string
	state   string // file of commands that restore what the earlier blocks of the section have set
	section string
	servers []*server
}

func newWalk(t *testing.T, dir string) *walk {
	t.Helper()
	w := &walk{t: t, dir: dir, state: filepath.Join(t.TempDir(), "state")}
	writeFile(t, w.state, "")
	t.Cleanup(w.stopAll)
	return w
}

// serves matches a block that ends with a command that serves.
var serves = regexp.MustCompile(`(?m)(?:^|&& )(?:(?:(?:go run \./cmd/|\./)?wxgate(?: +(?:serve|demo|emulator)\b[^#\n]*)?)|` +
	`caddy run\b[^#\n]*|traefik\b[^#\n]*)\s*(?:#.*)?\s*\z`)

// block runs a block, or only has the shell parse it if the machine lacks what it needs.
func (w *walk) block(b *block) error {
	if lacks := b.missing(w.t); lacks != "" {
		w.t.Logf("line %d: not run, for lack of %s", b.line, lacks)
		return parseShell(w.t, b.text)
	}
	if w.section != b.section() {
		w.section = b.section()
		writeFile(w.t, w.state, "")
	}
	if serves.MatchString(b.text) {
		w.stopOthers(b.headings)
		return w.serve(b)
	}
	s, err := w.start(b)
	if err != nil {
		return err
	}
	if !s.await(notReady) {
		return s.fault("does not end")
	}
	return s.failure()
}

// serve runs a block that ends with a command that serves, until that listens.
func (w *walk) serve(b *block) error {
	free := slices.DeleteFunc(slices.Clone(addresses), listens)
	s, err := w.start(b)
	if err != nil {
		return err
	}
	emulator := strings.Contains(b.text, "wxgate emulator")
	ended := s.await(func() bool {
		return slices.ContainsFunc(free, listens) && (!emulator || wholeOutput.MatchString(s.output.text()))
	})
	switch {
	case ended:
		return s.fault("ends, instead of serving")
	case !slices.ContainsFunc(free, listens):
		return s.fault("does not listen")
	case emulator:
		return w.paste(s.output.text())
	}
	return nil
}

// start starts the shell of a block.
func (w *walk) start(b *block) (*server, error) {
	s := &server{block: b, cmd: w.command(b), ended: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	w.servers = append(w.servers, s)
	go func() {
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	return s, nil
}

// parseShell returns the error of a shell that parses a text and runs nothing of it.
func parseShell(t *testing.T, text string) error {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", text).CombinedOutput(); err != nil {
		return &outputError{err, string(out)}
	}
	return nil
}

// command returns the shell that runs a block.
func (w *walk) command(b *block) *exec.Cmd {
	script := fmt.Sprintf("set -e\n. '%[1]s'\n%[2]s\nstatus=$?\n"+
		"{ export -p; printf 'cd '\\''%%s'\\''\\n' \"$PWD\"; } >'%[1]s'\nexit $status\n", w.state, b.text)
	cmd := exec.CommandContext(w.t.Context(), "sh", "-c", script)
	cmd.Dir = w.dir
	cmd.Env = shellEnvironment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// shellEnvironment returns this process's environment, without variables of wxgate.
func shellEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "WXGATE_") || strings.HasPrefix(variable, "OTEL_")
	})
}

// stopOthers stops the servers that were started below other headings.
func (w *walk) stopOthers(headings []string) {
	w.servers = slices.DeleteFunc(w.servers, func(s *server) bool {
		other := !slices.Contains(headings, s.heading())
		if other {
			s.stop()
		}
		return other
	})
}

func (w *walk) stopAll() {
	w.stopOthers(nil)
}

var (
	wholeOutput = regexp.MustCompile(`(?m)^.*WXGATE_APP_SECRET=.*\n`)
	forPasting  = regexp.MustCompile(`(?ms)^(?:#|export |unset ).*`)
)

// paste runs what the emulator prints from its first command on, in the shell of the
// section.
func (w *walk) paste(output string) error {
	b := &block{text: forPasting.FindString(output)}
	if b.text == "" {
		return fmt.Errorf("the emulator prints nothing to paste:\n%s", output)
	}
	if out, err := w.command(b).CombinedOutput(); err != nil {
		return &outputError{err, b.text + string(out)}
	}
	return nil
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
