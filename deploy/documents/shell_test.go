package documents_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestShellBlocks runs the sh blocks of all documents as printed, each document in a
// clone of its own. A section begins in a new shell, in the root of the repository;
// what a block exports is there in the later blocks of the section. A site listens on
// port 3000, as the documents presume.
//
// A command that serves is awaited, and stopped before one of another section starts.
// What the emulator prints to be pasted is pasted.
func TestShellBlocks(t *testing.T) {
	for _, address := range addresses {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			unavailable(t, "the blocks need "+address+": "+err.Error())
		}
		listener.Close()
	}
	site, err := net.Listen("tcp", "127.0.0.1:3000")
	if err != nil {
		unavailable(t, "the site needs a port: "+err.Error())
	}
	go http.Serve(site, http.NotFoundHandler())
	t.Cleanup(func() { site.Close() })

	clone := newClone(t)
	for _, d := range documents(t) {
		t.Run(d.path, func(t *testing.T) {
			clone.clean(t)
			w := newWalk(t, clone.dir)
			for i := range d.blocks {
				if d.blocks[i].language != "sh" {
					continue
				}
				if err := w.block(&d.blocks[i]); err != nil {
					t.Fatal(err)
				}
			}
			w.stopAll()
			for _, name := range clone.unknown(t) {
				t.Errorf("a block makes %s, which .gitignore does not name", name)
			}
		})
	}
}

// A shell block of another name would not run.
func TestShellBlocksAreSh(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			if slices.Contains([]string{"bash", "shell", "zsh", "console", "shell-session", "powershell"}, b.language) {
				t.Errorf("%s:%d: a block of %s: write sh", d.path, b.line, b.language)
			}
			if b.language == "" && shellLine(b.text) {
				t.Errorf("%s:%d: a block without a language begins as a command: write sh", d.path, b.line)
			}
		}
	}
}

// shellLine reports whether a text begins as a command does.
func shellLine(text string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	return slices.Contains([]string{"$", "./wxgate", "wxgate", "go", "curl", "export", "sudo", "helm", "kubectl", "docker"}, word)
}

// unavailable skips the test, or fails it where nothing may be skipped.
func unavailable(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("TEST_REQUIRE_ALL") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// output runs a command and returns what it prints.
func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
