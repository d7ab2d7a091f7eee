package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/watch"
)

// words is a file of at most 20 bytes that is bad if it holds a "!".
var words = watch.Format[string]{Noun: "words", Hint: "remove the !", MaxBytes: 20, Parse: parseWords}

func parseWords(texts ...string) (string, error) {
	text := strings.Join(texts, "+")
	if strings.Contains(text, "!") {
		return "", errors.New("there is a !")
	}
	return strings.ToUpper(text), nil
}

// open opens a file of words, which is looked at until the test ends.
func open(t *testing.T, logger zerolog.Logger, paths ...string) *watch.File[string] {
	t.Helper()
	f, err := watch.Open(words, logger, paths...)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	go f.Run(t.Context())
	return f
}

// logBuffer collects log lines. It is safe for concurrent use.
type logBuffer struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.Write(line)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines.String()
}

// pass lets time pass, and what happens by then happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeOld writes a file as old as the start of the bubble, whose clock is years
// behind the disk's.
func writeOld(t *testing.T, path, content string) string {
	t.Helper()
	write(t, path, content)
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Fatal(err)
	}
	return path
}

func replace(t *testing.T, path, content string) {
	t.Helper()
	if err := os.Rename(write(t, path+".new", content), path); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := write(t, filepath.Join(dir, "good"), "a")
	bad := write(t, filepath.Join(dir, "bad"), "secret!")
	long := write(t, filepath.Join(dir, "long"), strings.Repeat("a", 21))
	missing := filepath.Join(dir, "missing")
	for _, test := range []struct {
		name  string
		paths []string
		want  string
	}{
		{"missing", []string{missing}, "words: open " + missing + ": no such file or directory"},
		{"second missing", []string{good, missing}, "words: open " + missing + ": no such file or directory"},
		{"a directory", []string{dir}, "words: " + dir + ": expected a file of at most 20 bytes"},
		{"too long", []string{long}, "words: " + long + ": expected a file of at most 20 bytes"},
		{"not parsed", []string{bad}, "words: " + bad + ": there is a !"},
		{"not parsed together", []string{good, bad}, "words: " + good + ", " + bad + ": there is a !"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f, err := watch.Open(words, zerolog.Nop(), test.paths...)
			if f != nil || err == nil || err.Error() != test.want {
				t.Errorf("Open = %v, %v, want the error %q", f, err, test.want)
			}
		})
	}
}

func TestOpenRefusesUnreadable(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "words"), "a")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(path); err == nil {
		t.Skip("this user may read every file")
	}
	if _, err := watch.Open(words, zerolog.Nop(), path); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open: %v, want fs.ErrPermission", err)
	}
}

// A file is read again after any kind of change. One that cannot be read leaves
// the previous value and one line in the log, and counts again when it is fixed.
func TestValueFollowsTheFile(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(t *testing.T, path string)
		want   string
		failed bool
	}{
		{"written again", func(t *testing.T, path string) { write(t, path, "bc") }, "BC", false},
		{"of the same size", func(t *testing.T, path string) { write(t, path, "b") }, "B", false},
		{"replaced", func(t *testing.T, path string) { replace(t, path, "b") }, "B", false},
		{"replaced by one as old", func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path+".new", "b")
			err = errors.Join(os.Chtimes(path+".new", info.ModTime(), info.ModTime()), os.Rename(path+".new", path))
			if err != nil {
				t.Fatal(err)
			}
		}, "B", false},
		{"emptied", func(t *testing.T, path string) { write(t, path, "") }, "", false},
		{"removed", func(t *testing.T, path string) { os.Remove(path) }, "A", true},
		{"not parsed", func(t *testing.T, path string) { write(t, path, "b!") }, "A", true},
		{"too long", func(t *testing.T, path string) { write(t, path, strings.Repeat("b", 21)) }, "A", true},
		{"a directory", func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "A", true},
		{"removed and back", func(t *testing.T, path string) { os.Remove(path); write(t, path, "b") }, "B", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "words")
			synctest.Test(t, func(t *testing.T) {
				var log logBuffer
				writeOld(t, path, "a")
				pass(time.Minute)
				f := open(t, zerolog.New(&log), path)
				pass(time.Minute)
				if got := f.Value(); got != "A" || log.String() != "" {
					t.Errorf("unchanged: %q, log %q, want A and no log", got, log.String())
				}
				test.change(t, path)
				if got := f.Value(); got != "A" {
					t.Errorf("at once: %q, want the previous value: no use looks at the file", got)
				}
				for range 10 {
					pass(2 * time.Second)
					if got := f.Value(); got != test.want {
						t.Errorf("%q, want %q", got, test.want)
					}
				}
				if !test.failed {
					got := log.String()
					if !strings.Contains(got, `"file reloaded"`) || strings.Contains(got, `"error"`) {
						t.Errorf("log %s, want the reload and no error", got)
					}
					return
				}
				if log := log.String(); strings.Count(log, `"level":"error"`) != 1 || strings.Count(log, "\n") != 1 {
					t.Errorf("log %s, want one error", log)
				}
				os.Remove(path)
				write(t, path, "d")
				pass(2 * time.Second)
				if got := f.Value(); got != "D" {
					t.Errorf("fixed: %q, want D", got)
				}
			})
		})
	}
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		a, b := writeOld(t, filepath.Join(dir, "a"), "a"), writeOld(t, filepath.Join(dir, "b"), "b")
		open(t, zerolog.New(&log), a, b)
		for _, content := range []string{"x!", "x"} {
			write(t, b, content)
			pass(2 * time.Second)
		}
		names := a + ", " + b
		want := []map[string]any{{
			"level": "error", "message": "file not reloaded, keeping previous content", "noun": "words", "file": names,
			"error": "words: " + names + ": there is a !", "hint": "remove the !",
		}, {
			"level": "info", "message": "file reloaded", "noun": "words", "file": names,
		}}
		var got []map[string]any
		for line := range strings.Lines(log.String()) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatal(err)
			}
			got = append(got, fields)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	})
}

// Each file of a pair counts. A pair of which one file is missing or does not
// fit leaves the previous value.
func TestPair(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fitting := words
	fitting.Parse = func(texts ...string) (string, error) {
		if texts[0] != texts[1] {
			return "", errors.New("not a pair")
		}
		return texts[0], nil
	}
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		a, b := writeOld(t, filepath.Join(dir, "a"), "1"), writeOld(t, filepath.Join(dir, "b"), "1")
		pass(time.Minute)
		f, err := watch.Open(fitting, zerolog.New(&log), a, b)
		if err != nil {
			t.Fatal(err)
		}
		go f.Run(t.Context())
		for _, step := range []struct {
			name, path, content, want string
			errors                    int
		}{
			{"first half", a, "2", "1", 1},
			{"second half", b, "2", "2", 1},
			{"second half first", b, "3", "2", 2},
			{"then the first", a, "3", "3", 2},
		} {
			replace(t, step.path, step.content)
			pass(time.Minute)
			if got := f.Value(); got != step.want {
				t.Errorf("%s: %q, want %q", step.name, got, step.want)
			}
			if got := strings.Count(log.String(), `"level":"error"`); got != step.errors {
				t.Errorf("%s: %d errors in the log, want %d: %s", step.name, got, step.errors, &log)
			}
		}
		os.Remove(b)
		pass(time.Minute)
		if got := f.Value(); got != "3" {
			t.Errorf("without one file: %q, want 3", got)
		}
	})
}

// A file that is written twice within the grain of its time looks the same both
// times.
func TestWrittenTwiceAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words")
	synctest.Test(t, func(t *testing.T) {
		writeOld(t, path, "a")
		f := open(t, zerolog.Nop(), path)
		writeOld(t, path, "b")
		pass(4 * time.Second)
		if got := f.Value(); got != "B" {
			t.Errorf("%q, want what was written last", got)
		}
	})
}

// Kubernetes mounts a ConfigMap or Secret as files that are symbolic links into
// a directory that is one too, and swaps that.
func TestMountedVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := func(version, content string) error {
		err := os.Mkdir(filepath.Join(dir, version), 0o700)
		old := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) // both versions: only the inode differs
		return errors.Join(err,
			os.Chtimes(write(t, filepath.Join(dir, version, "words"), content), old, old),
			os.Symlink(version, filepath.Join(dir, "..tmp")),
			os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	path := filepath.Join(dir, "words")
	if err := errors.Join(link("..1", "a"), os.Symlink(filepath.Join("..data", "words"), path)); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		f := open(t, zerolog.Nop(), path)
		pass(time.Minute)
		if err := errors.Join(link("..2", "b"), os.RemoveAll(filepath.Join(dir, "..1"))); err != nil {
			t.Fatal(err)
		}
		pass(4 * time.Second)
		if got := f.Value(); got != "B" {
			t.Errorf("%q, want that of the new version", got)
		}
	})
}

// A file that is new at the first read, or is written again as it was, is no news.
func TestSameContent(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words")
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		f := open(t, zerolog.New(&log), writeOld(t, path, "a"))
		pass(time.Minute)
		replace(t, path, "a")
		pass(time.Minute)
		if got := f.Value(); got != "A" || log.String() != "" {
			t.Errorf("%q, log %s, want A and no log", got, &log)
		}
	})
}

// However long a read takes, callers get the previous value at once.
func TestSlowRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words")
	synctest.Test(t, func(t *testing.T) {
		slow := words
		var reads atomic.Int32
		slow.Parse = func(texts ...string) (string, error) {
			if reads.Add(1) > 1 {
				time.Sleep(time.Minute)
			}
			return texts[0], nil
		}
		writeOld(t, path, "a")
		f, err := watch.Open(slow, zerolog.Nop(), path)
		if err != nil {
			t.Fatal(err)
		}
		go f.Run(t.Context())
		write(t, path, "b")
		pass(2 * time.Second)
		for range 10 {
			start := time.Now()
			if got := f.Value(); got != "a" || time.Since(start) > 0 || reads.Load() != 2 {
				t.Errorf("while the file is read: %q after %v, %d reads, want a at once and 2",
					got, time.Since(start), reads.Load())
			}
			pass(5 * time.Second)
		}
		pass(time.Minute)
		if got := f.Value(); got != "b" {
			t.Errorf("then: %q, want b", got)
		}
	})
}

func TestReread(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words")
	synctest.Test(t, func(t *testing.T) {
		f := open(t, zerolog.Nop(), writeOld(t, path, "a"))
		pass(time.Minute)
		write(t, path, "b")
		start := time.Now()
		for range 3 {
			f.Reread()
		}
		synctest.Wait()
		if got := f.Value(); got != "B" || time.Since(start) > 0 {
			t.Errorf("%q after %v, want B at once", got, time.Since(start))
		}
	})
}

// Without Run, and after it, nobody looks at the files.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words")
	synctest.Test(t, func(t *testing.T) {
		f, err := watch.Open(words, zerolog.Nop(), writeOld(t, path, "a"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, "b")
		pass(time.Minute)
		if got := f.Value(); got != "A" {
			t.Errorf("before Run: %q, want A", got)
		}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			f.Run(ctx)
			close(ended)
		}()
		pass(2 * time.Second)
		if got := f.Value(); got != "B" {
			t.Errorf("while Run runs: %q, want B", got)
		}
		end()
		<-ended
		write(t, path, "c")
		pass(time.Minute)
		if got := f.Value(); got != "B" {
			t.Errorf("after Run: %q, want B", got)
		}
	})
}
