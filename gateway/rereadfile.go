package gateway

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// fileCheck is the time between two looks at a file that may change. Looking
// comes before a request's answer.
const fileCheck = 2 * time.Second

// rereadFile is a value made of a file's text, made again when the file
// changes; while it cannot be, the former value holds. It is safe for
// concurrent use. The value is shared: nobody changes it.
type rereadFile[T any] struct {
	fileFormat[T]
	path   string
	logger zerolog.Logger
	value  atomic.Pointer[T]
	looked atomic.Int64 // when, in Unix nanoseconds

	mu     sync.Mutex // held by the one that looks at the file
	seen   os.FileInfo
	readAt time.Time
	broken bool // the file as it is cannot be read
}

// fileFormat says what stands in a file.
type fileFormat[T any] struct {
	noun     string // for messages
	maxBytes int64
	parse    func(text string) (T, error) // the error holds nothing of a secret
}

// newRereadFile reads the file for the first time.
func newRereadFile[T any](path string, format fileFormat[T], logger zerolog.Logger) (*rereadFile[T], error) {
	f := &rereadFile[T]{fileFormat: format, path: path, logger: logger}
	f.looked.Store(time.Now().UnixNano())
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// refresh reads the file again where it has changed. Whoever comes meanwhile
// goes by the old value.
func (f *rereadFile[T]) refresh() {
	now := time.Now()
	if now.Sub(time.Unix(0, f.looked.Load())) < fileCheck || !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	f.looked.Store(now.UnixNano())
	if info, err := os.Stat(f.path); err == nil && !f.changed(info) {
		return
	}
	switch err := f.read(); {
	case err == nil:
		f.broken = false
		f.logger.Info().Str("file", f.path).Msg(f.noun + " read again")
	case !f.broken:
		f.broken = true
		f.logger.Error().Err(err).Msg(f.noun + " not read: the former one holds")
	}
}

// changed reports whether the file may be another than the one that was read:
// by its own marks, which the target of a symbolic link brings with it, or
// because it was written so shortly before that a second change could have left
// the same marks.
func (f *rereadFile[T]) changed(info os.FileInfo) bool {
	return f.seen == nil || !sameFile(f.seen, info) || f.readAt.Sub(info.ModTime()).Abs() < fileCheck
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read makes the value of the file, or leaves the old one in place.
func (f *rereadFile[T]) read() error {
	f.seen = nil
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("%s: %w", f.noun, err)
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return fmt.Errorf("%s: %w", f.noun, err)
	}
	if !before.Mode().IsRegular() || before.Size() > f.maxBytes {
		return fmt.Errorf("%s: %s: expected a file of at most %d bytes", f.noun, f.path, f.maxBytes)
	}
	f.readAt = time.Now()
	var text strings.Builder
	text.Grow(int(before.Size()))
	if _, err := io.Copy(&text, io.LimitReader(file, f.maxBytes)); err != nil {
		return fmt.Errorf("%s: %w", f.noun, err)
	}
	if after, err := file.Stat(); err != nil || !sameFile(before, after) {
		return fmt.Errorf("%s: %s: written while it was read", f.noun, f.path)
	}
	value, err := f.parse(text.String())
	if err != nil {
		return fmt.Errorf("%s: %s: %w", f.noun, f.path, err)
	}
	f.value.Store(&value)
	f.seen = before
	return nil
}
