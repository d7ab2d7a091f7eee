package watch_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A file is not read while somebody writes it in parts, whenever they begin. It
// counts within five seconds of the last part, and one that is written all the time
// within five seconds of the first.
func TestBeingWritten(t *testing.T) {
	t.Parallel()
	for begin := range 20 { // in tenths of a second after a look
		path := filepath.Join(t.TempDir(), "words")
		synctest.Test(t, func(t *testing.T) {
			writeOld(t, path, "old")
			f := open(t, zerolog.Nop(), path)
			pass(time.Minute + time.Duration(begin)*100*time.Millisecond)
			for _, part := range []string{"", "n", "ne", "new"} {
				writeOld(t, path, part)
				pass(300 * time.Millisecond)
				if got := f.Value(); got != "OLD" && got != "NEW" {
					t.Fatalf("begun %d: %q while %q is written, want OLD", begin, got, part)
				}
			}
			pass(4700 * time.Millisecond)
			if got := f.Value(); got != "NEW" {
				t.Fatalf("begun %d: %q after five seconds, want NEW", begin, got)
			}
			for i := range 50 {
				writeOld(t, path, string(rune('a'+i%26)))
				pass(100 * time.Millisecond)
			}
			if got := f.Value(); got == "NEW" {
				t.Errorf("begun %d: %q after five seconds of writing, want something newer", begin, got)
			}
		})
	}
}

// Reread does not wait until a file is complete: an operator asks for it.
func TestRereadWhileWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "words")
	synctest.Test(t, func(t *testing.T) {
		f := open(t, zerolog.Nop(), writeOld(t, path, "a"))
		pass(time.Minute - 100*time.Millisecond)
		writeOld(t, path, "b")
		pass(200 * time.Millisecond) // Run waits now
		if got := f.Value(); got != "A" {
			t.Fatalf("%q just after it was written, want A", got)
		}
		f.Reread()
		synctest.Wait()
		if got := f.Value(); got != "B" {
			t.Errorf("%q after Reread, want B", got)
		}
	})
}
