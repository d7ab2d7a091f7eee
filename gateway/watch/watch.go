// Package watch keeps a value up to date that is parsed from a file, or from
// files that belong together, such as a certificate and its key. The files are
// read in the goroutine of [File.Run], so that a large file or a file system that
// does not answer never holds up a caller of [File.Value].
package watch

import (
	"context"
	"crypto/sha256"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

const (
	// interval is the time between two looks at the files.
	interval = 2 * time.Second
	// pause is how long the last write to a file must be past: half of a list is a
	// list too, and would let in or lock out visitors.
	pause = time.Second
	// pauses is how often Run waits for that. A file that is written all the time is
	// read all the same.
	pauses = 2
)

// A Format describes the files of one value.
type Format[T any] struct {
	Noun     string // what the files hold, such as "certificate"; for errors and the log
	Hint     string // what an operator can do if the files cannot be read; for the log, may be empty
	MaxBytes int64  // largest size of each file

	// Parse makes the value from the texts of the files, in the order of their
	// paths. Its error must not quote a secret. A file may be replaced between
	// the reading of two, so it has to refuse texts that do not belong together.
	Parse func(texts ...string) (T, error)
}

// A File is a value made from one or more files. While [File.Run] runs, the value
// is made again within a few seconds after the files change; if that fails, the
// previous value stays. Value is safe for concurrent use. All callers share the
// value, so they must not change it.
type File[T any] struct {
	format Format[T]
	paths  []string
	logger zerolog.Logger
	value  atomic.Pointer[T]
	status atomic.Pointer[Status]
	wake   chan struct{} // tells Run to read at once

	// Of the goroutine that reads the files.
	seen   []os.FileInfo
	readAt time.Time
	digest [sha256.Size]byte // of the texts that the value was made from
}

// Status is how the reading of the files goes.
type Status struct {
	OK     bool      // the last read succeeded
	ReadAt time.Time // when the last read that succeeded began
}

// Open reads the files for the first time. The error names the file.
func Open[T any](format Format[T], logger zerolog.Logger, paths ...string) (*File[T], error) {
	f := &File[T]{format: format, paths: paths, logger: logger, wake: make(chan struct{}, 1)}
	if _, err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// Value returns the value that was last read. It never waits.
func (f *File[T]) Value() T { return *f.value.Load() }

// Status returns how the last read went. It never waits, and is safe for concurrent
// use.
func (f *File[T]) Status() Status { return *f.status.Load() }

// Run looks at the files every two seconds, and reads them if they have changed,
// until ctx ends. Files that are being written are read when nobody has written to
// them for a second, at the latest after two. The first read that fails is logged as an error, a new value as
// information. Run may be called once.
//
// If the file system does not answer, Run does not return before it does.
func (f *File[T]) Run(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if f.settle(ctx) {
				f.reload()
			}
		case <-f.wake:
			f.reload()
		}
	}
}

// settle reports whether the files have changed. It waits while they are being
// written, but not long. Reread ends the wait.
func (f *File[T]) settle(ctx context.Context) (changed bool) {
	if !f.changed() {
		return false
	}
	for range pauses {
		if !f.beingWritten() {
			return true
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-f.wake:
			again.Stop()
			return true
		case <-ctx.Done():
			again.Stop()
			return true
		}
	}
	return true
}

// Reread makes Run read the files at once, whether they have changed or not. It does
// not wait for it.
func (f *File[T]) Reread() {
	select {
	case f.wake <- struct{}{}:
	default: // Run is about to read them
	}
}

// reload reads the files, and logs what is new about them.
func (f *File[T]) reload() {
	before := f.Status()
	switch changed, err := f.read(); {
	case err == nil && !changed && before.OK:
	case err == nil:
		f.describe(f.logger.Info()).Msg("file reloaded")
	case before.OK:
		event := f.describe(f.logger.Error()).Err(err)
		if f.format.Hint != "" {
			event = event.Str("hint", f.format.Hint)
		}
		event.Msg("file not reloaded, keeping previous content")
	}
}

func (f *File[T]) describe(event *zerolog.Event) *zerolog.Event {
	return event.Str("noun", f.format.Noun).Str("file", f.names())
}

func (f *File[T]) names() string { return strings.Join(f.paths, ", ") }
