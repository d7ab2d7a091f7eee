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
	wake   chan struct{} // tells Run to look at once

	// Of the goroutine that reads the files.
	seen   []os.FileInfo
	readAt time.Time
	digest [sha256.Size]byte // of the texts that the value was made from
	failed bool              // the last read; already logged
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
			f.settle(ctx)
		case <-f.wake:
		}
		f.look()
	}
}

// settle waits while the files are being written, but not long. Reread ends it.
func (f *File[T]) settle(ctx context.Context) {
	if !f.changed() {
		return
	}
	for range pauses {
		if !f.beingWritten() {
			return
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-f.wake:
			again.Stop()
			return
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// Reread makes Run look at the files at once. It does not wait for it.
func (f *File[T]) Reread() {
	select {
	case f.wake <- struct{}{}:
	default: // Run is about to look
	}
}

// look reads the files if they have changed.
func (f *File[T]) look() {
	if !f.changed() {
		return
	}
	switch changed, err := f.read(); {
	case err == nil && !changed && !f.failed:
	case err == nil:
		f.failed = false
		f.describe(f.logger.Info()).Msg("file reloaded")
	case !f.failed:
		f.failed = true
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
