package gateway

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
)

// lists say who may enter by name, whatever else holds.
type lists struct {
	allow, deny *openIDFile // nil: there is none
}

// refuse reports whether the visitor is kept out: they are on the deny list, or
// there is an allow list and they are not on it. A line may hold an openid or a
// unionid: the visitor of a scan login has another openid.
func (l lists) refuse(s *session.Session) bool {
	return l.deny != nil && l.deny.names(s) || l.allow != nil && !l.allow.names(s)
}

const (
	maxListBytes  = 128 << 20 // four million openids
	maxOpenIDSize = 128       // bytes, as package wechat lets them pass
)

// openIDFile is a file with one openid a line, of which the value is sorted.
type openIDFile struct{ *rereadFile[[]string] }

// newOpenIDFile reads the file; an empty path names none.
func newOpenIDFile(path string, logger zerolog.Logger) (*openIDFile, error) {
	if path == "" {
		return nil, nil
	}
	f, err := newRereadFile(path, fileFormat[[]string]{"list of openids", maxListBytes, parseOpenIDs}, logger)
	if err != nil {
		return nil, err
	}
	return &openIDFile{f}, nil
}

// names reports whether the openid or unionid of s is in the file.
func (f *openIDFile) names(s *session.Session) bool {
	f.refresh()
	ids := *f.value.Load()
	if _, found := slices.BinarySearch(ids, s.OpenID); found {
		return true
	}
	_, found := slices.BinarySearch(ids, s.UnionID)
	return found && s.UnionID != ""
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
