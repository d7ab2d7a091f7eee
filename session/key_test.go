package session_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	a, b := append([]byte{0xfb, 0xff, 0xbf}, key('a')[3:]...), append(key('b'), key('c')...)
	std, url := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	const (
		short   = "a key of 31 bytes; at least 32 are needed; make one with: wxgate keygen"
		noKey   = "expected base64; make a key with: wxgate keygen"
		weak    = "a key of few different bytes or of a short pattern, which others can guess; make one with: wxgate keygen"
		newline = "space or line break inside a key; keys are separated by commas"
	)
	for _, tt := range []struct {
		name, in string
		want     [][]byte
		err      string
	}{
		{name: "one", in: std(a), want: [][]byte{a}},
		{name: "URL alphabet without padding", in: url(a), want: [][]byte{a}},
		{name: "raw", in: strings.TrimRight(std(a), "="), want: [][]byte{a}},
		{name: "two", in: std(a) + " , " + url(b), want: [][]byte{a, b}},
		{name: "short", in: std(a) + "," + std(a[:31]), err: "item 2 of the list: " + short},
		{name: "zeros", in: std(make([]byte, 32)), err: "item 1 of the list: " + weak},
		{name: "second weak", in: std(a) + "," + std(bytes.Repeat([]byte("k"), 64)), err: "item 2 of the list: " + weak},
		{name: "not base64", in: "not*base64", err: "item 1 of the list: " + noKey},
		{name: "padding too long", in: std(a) + "=", err: "item 1 of the list: " + noKey},
		{name: "lines", in: url(a) + "\n" + url(b), err: "item 1 of the list: " + newline},
		{name: "same twice", in: std(a) + "," + std(b) + "," + url(a), err: "items 1 and 3 of the list are the same key"},
		{name: "empty item", in: std(a) + ",,", err: "item 2 of the list is empty; item 3 of the list is empty"},
		{name: "several", in: "not*base64," + std(a) + "," + std(a[:31]) + "," + std(a), err: "item 1 of the list: " + noKey + "; item 3 of the list: " + short + "; items 2 and 4 of the list are the same key"},
		{name: "nothing", in: "", err: "item 1 of the list is empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got session.Keys
			err := got.UnmarshalText([]byte(tt.in))
			if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("%d keys, want %d", len(got), len(tt.want))
			}
			for i := range got {
				if !bytes.Equal(got[i], tt.want[i]) {
					t.Errorf("key %d is %x, want %x", i+1, []byte(got[i]), tt.want[i])
				}
			}
		})
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	want := key('a')
	text := base64.StdEncoding.EncodeToString(want)
	var got session.Key
	if err := got.UnmarshalText([]byte(text)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("UnmarshalText(%q) = %x, %v, want %x", text, []byte(got), err, want)
	}
	for _, in := range []string{"", text + "," + text, text + "\n" + text, text[:20], "planted!"} {
		got = nil
		err := got.UnmarshalText([]byte(in))
		if err == nil || got != nil {
			t.Errorf("UnmarshalText(%q) = %x, %v, want an error", in, []byte(got), err)
		} else if in != "" && strings.Contains(err.Error(), in) {
			t.Errorf("UnmarshalText(%q): the error holds the key: %v", in, err)
		}
	}
}

// A key of wxgate keygen passes, and so does text: a program may have made it at
// random. What no generator makes is refused.
func TestWeakKeys(t *testing.T) {
	t.Parallel()
	repeat := func(pattern string) []byte { return bytes.Repeat([]byte(pattern), 40/len(pattern)) }
	for _, tt := range []struct {
		name string
		key  []byte
		weak bool
	}{
		{"zeros", make([]byte, 32), true},
		{"ones", bytes.Repeat([]byte{0xff}, 32), true},
		{"one letter", bytes.Repeat([]byte("k"), 40), true},
		{"two bytes", repeat("\xfb\xff"), true},
		{"changeme", repeat("changeme"), true},
		{"12345678", repeat("12345678"), true},
		{"all but one alike", append(make([]byte, 31), 1), true},
		{"a pattern that is cut off", append(repeat("changeme"), "chan"...), true},
		{"five different bytes in no order", []byte("abcdeabedcabacedbaecdbabdecaabdce"), true},
		{"a pattern of nine", repeat("planted-k"), false},
		{"half empty", append(key('a')[:16], make([]byte, 16)...), true},
		{"bits", []byte("01101001100101101001011001101001"), true},
		{"random", key('a'), false},
		{"random, 64 bytes", append(key('a'), key('b')...), false},
		{"digits", []byte("31415926535897932384626433832795"), false},
		{"hexadecimal", []byte("9f86d081884c7d659a2feaa0c55ad015"), false},
		{"text", []byte("32 random bytes, made once for all"), false},
	} {
		if err := session.Key(tt.key).Check(); (err != nil) != tt.weak {
			t.Errorf("%s: Key.Check() = %v, want an error: %t", tt.name, err, tt.weak)
		}
		if err := (session.Keys{key('z'), tt.key}).Check(); (err != nil) != tt.weak {
			t.Errorf("%s: Keys.Check() = %v, want an error: %t", tt.name, err, tt.weak)
		}
	}
}

func TestRandomKeysAreNotWeak(t *testing.T) {
	t.Parallel()
	for range 10_000 {
		key := make(session.Key, 32)
		rand.Read(key)
		if err := key.Check(); err != nil {
			t.Fatalf("Check of %x: %v", []byte(key), err)
		}
	}
}

func TestKeysPrintNothing(t *testing.T) {
	t.Parallel()
	const planted = "planted-key-planted-key-planted-key"
	key, keys := session.Key(planted), session.Keys{session.Key(planted)}
	type holder struct {
		Key  session.Key
		Keys session.Keys
		Rest map[string]session.Key
	}
	whole := holder{key, keys, map[string]session.Key{"a": key}}
	for _, verb := range append(strings.Fields("%v %+v %#v %s %q %x %X %#x %d %o %b %c %U %t %e"), "% x") {
		for _, v := range []any{key, &key, keys, &keys, whole, &whole, []session.Key{key}, session.Config{Keys: keys}} {
			got := fmt.Sprintf(verb, v)
			if !strings.Contains(got, "[redacted]") || strings.Contains(got, "plant") || strings.Contains(got, "706c61") ||
				strings.Contains(got, "112 108 97") || strings.Contains(got, "0x70, 0x6c") {
				t.Errorf("Sprintf(%q, %T) = %q, want [redacted] in place of the key", verb, v, got)
			}
		}
	}
	got, err := json.Marshal(whole)
	if want := `{"Key":"[redacted]","Keys":"[redacted]","Rest":{"a":"[redacted]"}}`; err != nil || string(got) != want {
		t.Errorf("json.Marshal = %s, %v, want %s", got, err, want)
	}
}
