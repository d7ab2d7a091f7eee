package documents_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A clone is a copy of the repository as git would clone it, with the changes that are
// not committed yet.
type clone struct{ dir string }

func newClone(t *testing.T) clone {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		unavailable(t, "no git on this machine")
	}
	c := clone{t.TempDir()}
	for name := range strings.SplitSeq(c.sources(t), "\x00") {
		if name == "" {
			continue
		}
		copyFile(t, filepath.Join(c.dir, name), filepath.Join(repository, name))
	}
	output(t, c.dir, "go", "build", "-o", os.DevNull, "./cmd/wxgate")
	c.git(t, "init", "-q")
	c.git(t, "add", "-A")
	c.git(t, "-c", "user.name=documents", "-c", "user.email=documents@localhost", "commit", "-q", "-m", "all")
	return c
}

// sources returns the files of the repository that git does not ignore.
func (c clone) sources(t *testing.T) string {
	t.Helper()
	return output(t, repository, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
}

func (c clone) git(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, c.dir, "git", args...)
}

// clean removes what a document's blocks have made.
func (c clone) clean(t *testing.T) {
	t.Helper()
	c.git(t, "reset", "-q", "--hard")
	c.git(t, "clean", "-q", "-ffdx")
}

// unknown returns the files that are new or changed, and that git does not ignore.
func (c clone) unknown(t *testing.T) []string {
	t.Helper()
	return strings.FieldsFunc(c.git(t, "status", "--porcelain"), func(r rune) bool { return r == '\n' })
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if os.IsNotExist(err) {
		return // deleted, but not committed
	}
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, info.Mode()&fs.ModePerm); err != nil {
		t.Fatal(err)
	}
}
