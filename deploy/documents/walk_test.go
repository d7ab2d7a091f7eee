package documents_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a block may take. wxgate is compiled before the first one.
const patience = 2 * time.Minute

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

// A server is a block whose command serves until it is stopped.
type server struct {
	heading string // the last one above the block
	cmd     *exec.Cmd
	ended   chan struct{}
}

// serves matches a block that ends with a command that serves.
var serves = regexp.MustCompile(`(?m)(?:^|&& )(?:(?:(?:go run \./cmd/|\./)?wxgate(?: +(?:serve|demo|emulator)\b[^#\n]*)?)|` +
	`caddy run\b[^#\n]*|traefik\b[^#\n]*)\s*(?:#.*)?\s*\z`)

// block runs a block, or only has the shell parse it if the machine lacks what it needs.
func (w *walk) block(b *block) {
	t := w.t
	t.Helper()
	if lacks := b.missing(t); lacks != "" {
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", b.text).CombinedOutput(); err != nil {
			t.Errorf("line %d: %v\n%s", b.line, err, out)
		}
		t.Logf("line %d: not run, for lack of %s", b.line, lacks)
		return
	}
	if w.section != b.section() {
		w.section = b.section()
		writeFile(t, w.state, "")
	}
	serving := serves.MatchString(b.text)
	if serving {
		w.stopOthers(b.headings)
	}
	free := slices.DeleteFunc(slices.Clone(addresses), listens)
	cmd, output := w.command(b), new(buffer)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: cmd, ended: make(chan struct{})}
	if len(b.headings) > 0 {
		s.heading = b.headings[len(b.headings)-1]
	}
	var failure error
	go func() {
		failure = cmd.Wait()
		close(s.ended)
	}()
	w.servers = append(w.servers, s)
	emulator := strings.Contains(b.text, "wxgate emulator")
	ended := s.await(func() bool {
		return serving && slices.ContainsFunc(free, listens) && (!emulator || wholeOutput.MatchString(output.text()))
	})
	switch {
	case ended && (failure != nil || serving):
		t.Fatalf("line %d: the block ends with %v\n%s\n%s", b.line, failure, b.text, output.text())
	case !ended && !serving:
		t.Fatalf("line %d: the block does not end\n%s\n%s", b.line, b.text, output.text())
	case !ended && !slices.ContainsFunc(free, listens):
		t.Fatalf("line %d: the block does not listen\n%s\n%s", b.line, b.text, output.text())
	case emulator && !ended:
		w.paste(output.text())
	}
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

// await waits until the server is ready, the process has ended or patience is over. It
// reports whether the process has ended.
func (s *server) await(ready func() bool) bool {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for {
		select {
		case <-s.ended:
			return true
		case <-deadline:
			return false
		case <-again.C:
			if ready() {
				return false
			}
		}
	}
}

// stopOthers stops the servers that were started below other headings.
func (w *walk) stopOthers(headings []string) {
	w.servers = slices.DeleteFunc(w.servers, func(s *server) bool {
		other := !slices.Contains(headings, s.heading)
		if other {
			s.stop()
		}
		return other
	})
}

func (w *walk) stopAll() {
	w.stopOthers(nil)
}

// stop ends the process and those that it has started.
func (s *server) stop() {
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// listens reports whether something listens at an address.
func listens(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

var (
	wholeOutput = regexp.MustCompile(`(?m)^.*WXGATE_APP_SECRET=.*\n`)
	forPasting  = regexp.MustCompile(`(?ms)^(?:#|export |unset ).*`)
)

// paste runs what the emulator prints from its first command on, in the shell of the
// section.
func (w *walk) paste(output string) {
	w.t.Helper()
	b := &block{text: forPasting.FindString(output)}
	if b.text == "" {
		w.t.Fatalf("the emulator prints nothing to paste:\n%s", output)
	}
	if out, err := w.command(b).CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", b.text, err, out)
	}
}

// A buffer keeps what a process prints.
type buffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *buffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
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
