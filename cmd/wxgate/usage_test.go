package main

import (
	"strings"
	"testing"
	"unicode"
)

// What an error shows of the arguments is printable and short: it may be pasted from
// anywhere.
func TestUsageErrorsArePrintable(t *testing.T) {
	t.Parallel()
	for name, odd := range map[string]string{
		"escape sequence": "\x1b]0;title\x07\x1b[31m",
		"C1 control":      "\u009b31m\u0085",
		"line breaks":     "one\ntwo\r\nthree",
		"direction":       "\u202eabc\u2066",
		"not UTF-8":       "\xff\xfe\x80",
		"long":            strings.Repeat("店", 20_000),
	} {
		for _, args := range [][]string{
			{odd},
			{"help", odd},
			{"--" + odd},
			{"-" + odd},
			{"demo", "--" + odd},
			{"demo", "-" + odd},
			{"demo", "--" + odd + "=1"},
			{"demo", odd},
			{"demo", "--listen", odd},
			{"demo", "--listen", "127.0.0.1:0", "--upstream", odd},
			{"emulator", "--listen=" + odd},
			{"followers", "--format", odd},
			{"followers", "--details=" + odd},
			{"revoke", odd},
			{"revoke", "--all=" + odd},
			{"completion", odd},
			{"completion", "bash", odd},
			{"serve", odd},
			{"version", odd},
		} {
			var stdout, stderr strings.Builder
			if code := run(args, nil, &stdout, &stderr); code != 2 {
				t.Errorf("%s: %.20q: exit code %d, want 2", name, args, code)
			}
			said := stderr.String()
			if stdout.String() != "" || !strings.HasPrefix(said, "wxgate: ") || strings.Count(said, "\n") != 1 ||
				len(said) > 600 {
				t.Errorf("%s: %.20q: stdout %.20q, stderr %.700q, want one line on stderr", name, args, stdout.String(), said)
			}
			for _, c := range strings.TrimSuffix(said, "\n") {
				if !unicode.IsPrint(c) || c == unicode.ReplacementChar {
					t.Errorf("%s: %.20q: stderr %.200q has %U", name, args, said, c)
					break
				}
			}
		}
	}
}
