package gateway

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/watch"
	"github.com/wxgate/wxgate/session"
)

// lists are the files that name who is allowed or denied.
type lists struct {
	allow, deny *openIDFile // nil: there is none
}

// refuse reports whether the visitor is denied.
func (l lists) refuse(s *session.Session) bool { return l.refusedBy(s) != "" }

// refusedBy returns the field with the list that denies the visitor: they are on
// the deny list, or there is an allow list and they are not on it. It returns "" if
// they may enter. A line may be an openid or a unionid: with a scan login the
// visitor has another openid.
func (l lists) refusedBy(s *session.Session) (field string) {
	switch {
	case l.deny != nil && l.deny.names(s):
		return "DenyOpenIDsFile"
	case l.allow != nil && !l.allow.names(s):
		return "AllowOpenIDsFile"
	default:
		return ""
	}
}

// emptyListHint is what an operator can do about an allow list without openids.
const emptyListHint = "nobody gets in: write one openid a line, or unset WXGATE_ALLOW_OPENIDS_FILE"

const (
	maxListBytes  = 128 << 20 // four million openids
	maxOpenIDSize = 128       // bytes, as package wechat lets them pass
)

// openIDFile is a file with one openid a line. Its value is sorted.
type openIDFile struct{ *watch.File[[]string] }

// newOpenIDFile reads the file. It returns nil if path is empty. An empty allow list is a
// warning, at the start and whenever the file becomes one.
func newOpenIDFile(path string, allows bool, logger zerolog.Logger) (*openIDFile, error) {
	if path == "" {
		return nil, nil
	}
	const noun = "openid list"
	f, err := watch.Open(watch.Format[[]string]{
		Noun:     noun,
		Hint:     "write one openid a line",
		MaxBytes: maxListBytes,
		Parse: func(texts ...string) ([]string, error) {
			ids, err := parseOpenIDs(texts[0])
			if err == nil && len(ids) == 0 && allows {
				logger.Warn().Str("noun", noun).Str("file", path).Str("hint", emptyListHint).Msg("allow list is empty")
			}
			return ids, err
		},
	}, logger, path)
	if err != nil {
		return nil, err
	}
	return &openIDFile{f}, nil
}

// names reports whether the openid or unionid of s is in the file.
func (f *openIDFile) names(s *session.Session) bool {
	ids := f.Value()
	if _, found := slices.BinarySearch(ids, s.OpenID); found {
		return true
	}
	_, found := slices.BinarySearch(ids, s.UnionID)
	return found && s.UnionID != ""
}

// OpenIDLines returns the numbers and openids of the lines in the text of a list, such
// as [Site.AllowOpenIDsFile], valid or not.
func OpenIDLines(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		text := strings.TrimPrefix(text, "\ufeff") // a byte order mark, which editors on Windows write
		number := 0
		for line := range strings.Lines(text) {
			number++
			line, _, _ = strings.Cut(line, "#")
			if id := strings.TrimSpace(line); id != "" && !yield(number, id) {
				return
			}
		}
	}
}

// parseOpenIDs returns the openids in text, sorted. There is one a line, and #
// starts a comment. They are substrings of text, so that a million of them cost
// one allocation.
func parseOpenIDs(text string) ([]string, error) {
	ids := make([]string, 0, strings.Count(text, "\n")+1)
	var wrong []string
	for number, id := range OpenIDLines(text) {
		if !plainOpenID(id) {
			wrong = append(wrong, strconv.Itoa(number))
			continue
		}
		ids = append(ids, id)
	}
	if len(wrong) > 0 {
		return nil, wrongLines(wrong)
	}
	slices.Sort(ids)
	return slices.Clip(slices.Compact(ids)), nil
}

// wrongLines is the error of the lines with the given numbers that are no openids. It
// does not show the lines, which may hold openids.
func wrongLines(numbers []string) error {
	const most = 10
	if len(numbers) == 1 {
		return fmt.Errorf("line %s: expected one openid", numbers[0])
	}
	more := ""
	if len(numbers) > most {
		numbers, more = numbers[:most], fmt.Sprintf(" and %d more", len(numbers)-most)
	}
	return fmt.Errorf("lines %s%s: expected one openid each", strings.Join(numbers, ", "), more)
}

// plainOpenID reports whether id is visible ASCII and no longer than an openid
// may be. WeChat documents no narrower form.
func plainOpenID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return len(id) <= maxOpenIDSize
}
