package watch

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// changed reports whether a file may differ from the one that was read: by its
// inode, time or size, which are those of a symbolic link's target; or because
// it was written so shortly before the read that a second write may have left
// the same time.
func (f *File[T]) changed() bool {
	if f.seen == nil { // the last read failed
		return true
	}
	for i, path := range f.paths {
		info, err := os.Stat(path)
		if err != nil || !sameFile(f.seen[i], info) || f.readAt.Sub(info.ModTime()).Abs() < interval {
			return true
		}
	}
	return false
}

// beingWritten reports whether one of the files was written just now.
func (f *File[T]) beingWritten() bool {
	for _, path := range f.paths {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()).Abs() < pause {
			return true
		}
	}
	return false
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read makes the value of the files and reports whether their texts differ from
// those that were read last. If it fails, the previous value stays.
func (f *File[T]) read() (changed bool, err error) {
	f.seen, f.readAt = nil, time.Now()
	changed, err = f.parse()
	status := Status{OK: err == nil, ReadAt: f.readAt}
	if before := f.status.Load(); err != nil && before != nil {
		status.ReadAt = before.ReadAt
	}
	f.status.Store(&status)
	return changed, err
}

// parse is read without the status.
func (f *File[T]) parse() (changed bool, err error) {
	texts, seen := make([]string, len(f.paths)), make([]os.FileInfo, len(f.paths))
	for i, path := range f.paths {
		if texts[i], seen[i], err = readFile(path, f.format.MaxBytes); err != nil {
			return false, fmt.Errorf("%s: %w", f.format.Noun, err)
		}
	}
	digest := digestOf(texts)
	if digest == f.digest { // written again, or looked at again because it was so new
		f.seen = seen
		return false, nil
	}
	value, err := f.format.Parse(texts...)
	if err != nil {
		return false, fmt.Errorf("%s: %s: %w", f.format.Noun, f.names(), err)
	}
	f.value.Store(&value)
	f.seen, f.digest = seen, digest
	return true, nil
}

// digestOf returns a digest of texts.
func digestOf(texts []string) [sha256.Size]byte {
	h := sha256.New()
	for _, text := range texts {
		fmt.Fprintf(h, "%d ", len(text))
		io.WriteString(h, text)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// readFile returns the text of a regular file, and what identifies the file and
// its version.
func readFile(path string, maxBytes int64) (string, os.FileInfo, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return "", nil, err
	}
	if !before.Mode().IsRegular() || before.Size() > maxBytes {
		return "", nil, fmt.Errorf("%s: expected a file of at most %d bytes", path, maxBytes)
	}
	var text strings.Builder
	text.Grow(int(before.Size()))
	if _, err := io.Copy(&text, io.LimitReader(file, maxBytes)); err != nil {
		return "", nil, err
	}
	if after, err := file.Stat(); err != nil || !sameFile(before, after) {
		return "", nil, fmt.Errorf("%s: written while it was read", path)
	}
	return text.String(), before, nil
}
