package session_test

import (
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
)

func TestCheckOpenID(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		openID string
		ok     bool
	}{
		{"oABCDEFGHIJKLMNOPQRSTUVWXYZ0", true},
		{"oABC-123_xyz456789012345678", true},
		{"-leading", true},
		{"*", true},
		{strings.Repeat("o", 128), true},
		{strings.Repeat("o", 129), false},
		{"", false},
		{" oABC", false},
		{"o o", false},
		{"o\n", false},
		{"o\x00", false},
		{"o\x7f", false},
		{"o\xff", false},
		{"店", false},
	} {
		err := session.CheckOpenID(test.openID)
		if (err == nil) != test.ok {
			t.Errorf("CheckOpenID(%q) = %v, want ok: %v", test.openID, err, test.ok)
		}
		if err != nil && test.openID != "" && strings.Contains(err.Error(), test.openID) {
			t.Errorf("CheckOpenID(%q) = %v, want an error without the openid", test.openID, err)
		}
	}
}
