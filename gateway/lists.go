package gateway

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
)

// lists say who may enter by name, whatever else holds.
type lists struct {
	allow, deny *openIDFile // nil: there is none
}

// refuse reports whether the visitor is kept out: she is on the deny list, or
// there is an allow list and she is not on it. A line counts for a unionid as
// it does for an openid: the visitor of a scan login has another openid.
func (l lists) refuse(s *session.Session) bool {
	return l.deny != nil && l.deny.names(s) || l.allow != nil && !l.allow.names(s)
}

const (
	listCheck     = 2 * time.Second // between two looks at a file, which comes before a request's answer
	maxListBytes  = 128 << 20       // four million openids
	maxOpenIDSize = 128             // bytes, as package wechat lets them pass
)

// openIDFile is a file with one openid a line, read again when it changes. It
// is safe for concurrent use.
type openIDFile struct {
	path   string
	logger zerolog.Logger
	ids    atomic.Pointer[[]string] // sorted
	looked atomic.Int64             // when, in Unix nanoseconds

	mu     sync.Mutex // held by the one that looks at the file
	seen   os.FileInfo
	readAt time.Time
	broken bool // the file as it is cannot be read
}

// newOpenIDFile reads the file; an empty path names none.
func newOpenIDFile(path string, logger zerolog.Logger) (*openIDFile, error) {
	if path == "" {
		return nil, nil
	}
	f := &openIDFile{path: path, logger: logger}
	f.looked.Store(time.Now().UnixNano())
	if err := f.read(); err != nil {
		return nil, err
	}
	return f, nil
}

// names reports whether the openid or unionid of s is in the file.
func (f *openIDFile) names(s *session.Session) bool {
	f.refresh()
	ids := *f.ids.Load()
	if _, found := slices.BinarySearch(ids, s.OpenID); found {
		return true
	}
	_, found := slices.BinarySearch(ids, s.UnionID)
	return found && s.UnionID != ""
}

// refresh reads the file again where it has changed. Whoever comes meanwhile
// goes by the old list.
func (f *openIDFile) refresh() {
	now := time.Now()
	if now.Sub(time.Unix(0, f.looked.Load())) < listCheck || !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	f.looked.Store(now.UnixNano())
	if info, err := os.Stat(f.path); err == nil && !f.changed(info) {
		return
	}
	switch err := f.read(); {
	case err == nil && f.broken:
		f.broken = false
		f.logger.Info().Str("file", f.path).Msg("list of openids read again")
	case err != nil && !f.broken:
		f.broken = true
		f.logger.Error().Err(err).Msg("list of openids not read: the former one holds")
	}
}

// changed reports whether the file may be another than the one that was read:
// by its own marks, which the target of a symbolic link brings with it, or
// because it was written so shortly before that a second change could have left
// the same marks.
func (f *openIDFile) changed(info os.FileInfo) bool {
	return f.seen == nil || !sameFile(f.seen, info) || f.readAt.Sub(info.ModTime()).Abs() < listCheck
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read takes the list from the file, or leaves the old one in place.
func (f *openIDFile) read() error {
	f.seen = nil
	file, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("list of openids: %w", err)
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return fmt.Errorf("list of openids: %w", err)
	}
	if !before.Mode().IsRegular() || before.Size() > maxListBytes {
		return fmt.Errorf("list of openids: %s: expected a file of at most %d bytes", f.path, maxListBytes)
	}
	f.readAt = time.Now()
	var text strings.Builder
	text.Grow(int(before.Size()))
	if _, err := io.Copy(&text, io.LimitReader(file, maxListBytes)); err != nil {
		return fmt.Errorf("list of openids: %w", err)
	}
	if after, err := file.Stat(); err != nil || !sameFile(before, after) {
		return fmt.Errorf("list of openids: %s: written while it was read", f.path)
	}
	ids, err := parseOpenIDs(text.String())
	if err != nil {
		return fmt.Errorf("list of openids: %s: %w", f.path, err)
	}
	f.ids.Store(&ids)
	f.seen = before
	return nil
}

// parseOpenIDs returns the openids of a list, sorted: one a line, where # begins
// a comment. They are parts of text, so that a million of them are one string.
func parseOpenIDs(text string) ([]string, error) {
	text = strings.TrimPrefix(text, "\ufeff") // editors on Windows begin files with it
	ids := make([]string, 0, strings.Count(text, "\n")+1)
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		id := strings.TrimSpace(line)
		if id == "" {
			continue
		}
		if !plainOpenID(id) {
			// Not the line itself: it may hold somebody's openid.
			return nil, fmt.Errorf("line %d: expected one openid", number)
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Clip(slices.Compact(ids)), nil
}

// plainOpenID reports whether id is visible ASCII and no longer than an openid
// may be. WeChat promises no other form.
func plainOpenID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return len(id) <= maxOpenIDSize
}
