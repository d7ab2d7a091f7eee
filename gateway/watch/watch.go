// Package watch keeps a value up to date that is parsed from a file, or from
// files that belong together, such as a certificate and its key. It needs no
// goroutine and no signal: using the value makes it look at the files.
package watch

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// interval is the time between two looks at the files.
const interval = 2 * time.Second

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

// A File is a value made from one or more files. After the files change, it is
// made again within a few seconds of use; if that fails, it keeps the previous
// value. A File is safe for concurrent use. All callers share the value, so they
// must not change it.
type File[T any] struct {
	format Format[T]
	paths  []string
	logger zerolog.Logger
	value  atomic.Pointer[T]
	looked atomic.Int64 // time of the last look, in Unix nanoseconds

	mu     sync.Mutex // held by the goroutine that looks at the files
	seen   []os.FileInfo
	readAt time.Time
	failed bool // the last read; already logged
}

// Open reads the files for the first time. The error names the file.
func Open[T any](format Format[T], logger zerolog.Logger, paths ...string) (*File[T], error) {
	f := &File[T]{format: format, paths: paths, logger: logger}
	f.looked.Store(time.Now().UnixNano())
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// Value returns the value of the files. It looks at them at most once in two
// seconds, before it returns; calls during that get the previous value at once.
// The first read that fails is logged as an error, a new value as information.
func (f *File[T]) Value() T {
	f.refresh()
	return f.Last()
}

// Last returns the value that was last read, without looking at the files: for a
// caller who holds a lock and has called Value before taking it.
func (f *File[T]) Last() T { return *f.value.Load() }

func (f *File[T]) refresh() {
	now := time.Now()
	// Abs: after the clock is set back, the last look is in the future.
	if now.Sub(time.Unix(0, f.looked.Load())).Abs() < interval || !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	f.looked.Store(now.UnixNano())
	if !f.changed() {
		return
	}
	switch err := f.read(); {
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
