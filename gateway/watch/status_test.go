package watch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/watch"
)

// Status says whether the last read succeeded, and when a read last did.
func TestStatus(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words")
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		writeOld(t, path, "a")
		pass(time.Hour)
		begin := time.Now()
		f := open(t, zerolog.New(&log), path)
		var last time.Time // of the reads that succeeded
		for _, step := range []struct {
			name   string
			change func()
			ok     bool
			read   bool // successfully
		}{
			{"at first", func() {}, true, true},
			{"unchanged", func() {}, true, false},
			{"changed", func() { replace(t, path, "b") }, true, true},
			{"written as it was", func() { replace(t, path, "b") }, true, true},
			{"not parsed", func() { replace(t, path, "!") }, false, false},
			{"removed", func() { os.Remove(path) }, false, false},
			{"back as it was", func() { replace(t, path, "b") }, true, true},
			{"unchanged, Reread", func() { f.Reread() }, true, true},
			{"removed, Reread", func() { os.Remove(path); f.Reread() }, false, false},
		} {
			before := time.Now()
			step.change()
			pass(time.Minute)
			got := f.Status()
			fresh := got.ReadAt.After(last)
			if step.name == "at first" {
				fresh = got.ReadAt.Equal(begin)
			}
			if got.OK != step.ok || fresh != step.read || fresh && got.ReadAt.Before(before.Add(-time.Minute)) {
				t.Errorf("%s: %+v, want OK %t and a new time: %t, not %v", step.name, got, step.ok, step.read, last)
			}
			last = got.ReadAt
		}
		if n := strings.Count(log.String(), "\n"); n != 4 { // changed, not parsed, back, removed
			t.Errorf("%d lines, want 4: no line for a file that is the same; log %s", n, &log)
		}
	})
}

// Before Run, the status is that of Open.
func TestStatusOfOpen(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "words"), "a")
	synctest.Test(t, func(t *testing.T) {
		f, err := watch.Open(words, zerolog.Nop(), path)
		if err != nil {
			t.Fatal(err)
		}
		if want := (watch.Status{OK: true, ReadAt: time.Now()}); f.Status() != want {
			t.Errorf("Status = %+v, want %+v", f.Status(), want)
		}
	})
}
