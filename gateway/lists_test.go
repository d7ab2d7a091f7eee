package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
)

func TestParseOpenIDs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in string
		want     []string
		err      string
	}{
		{name: "empty", in: "", want: []string{}},
		{name: "sorted, once each", in: "oB\noA\noB\n", want: []string{"oA", "oB"}},
		{name: "no line end", in: "oA\noB", want: []string{"oA", "oB"}},
		{name: "Windows", in: "\ufeffoA\r\noB\r\n", want: []string{"oA", "oB"}},
		{name: "comments", in: "# staff\noA # the boss\n#oB\n\n  \t\noC#\n", want: []string{"oA", "oC"}},
		{name: "spaces around", in: "  oA\t\n", want: []string{"oA"}},
		{name: "letter case counts", in: "oa\noA\n", want: []string{"oA", "oa"}},
		{name: "two on a line", in: "oA\noB oC\n", err: "line 2: expected one openid"},
		{name: "a comma", in: "oA,oB\n", want: []string{"oA,oB"}}, // visible ASCII is all that WeChat promises
		{name: "binary", in: "oA\n\x00\x01\n", err: "line 2: expected one openid"},
		{name: "not ASCII", in: "# ä is fine here\noÄ\n", err: "line 2: expected one openid"},
		{name: "longest", in: strings.Repeat("o", 128), want: []string{strings.Repeat("o", 128)}},
		{name: "too long", in: strings.Repeat("o", 129), err: "line 1: expected one openid"},
		{name: "UTF-16", in: "\xff\xfeo\x00A\x00\n\x00", err: "lines 1, 2: expected one openid each"},
		{name: "several", in: "o A\noB\n# ok\no C\n", err: "lines 1, 4: expected one openid each"},
		{name: "many", in: strings.Repeat("o A\n", 12), err: "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more: expected one openid each"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseOpenIDs(test.in)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("parseOpenIDs(%q) = %q, %v, want the error %q", test.in, got, err, test.err)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("parseOpenIDs(%q): %v (-want +got):\n%s", test.in, err, diff)
			}
		})
	}
}

// FuzzParseOpenIDs checks that the openids of any text that is accepted are its
// lines without comments and spaces, sorted.
func FuzzParseOpenIDs(f *testing.F) {
	for _, seed := range []string{"", "oA\noB", "\ufeffoA\r\n#x\n", "oA oB", "oA\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := parseOpenIDs(text)
		if err != nil {
			return
		}
		if !slices.IsSorted(ids) {
			t.Errorf("parseOpenIDs(%q) = %q is not sorted", text, ids)
		}
		want := make(map[string]bool)
		for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line != "" {
				want[line] = true
			}
		}
		for _, id := range ids {
			if !want[id] {
				t.Errorf("parseOpenIDs(%q) has %q", text, id)
			}
		}
		if len(ids) != len(want) {
			t.Errorf("parseOpenIDs(%q) = %q, want %d of them", text, ids, len(want))
		}
	})
}

func TestListsRefuse(t *testing.T) {
	t.Parallel()
	visitor := &session.Session{OpenID: "oA", UnionID: "uA"}
	for _, test := range []struct {
		name        string
		allow, deny string // "-": no list
		visitor     *session.Session
		want        bool
	}{
		{"no lists", "-", "-", visitor, false},
		{"allowed", "oA", "-", visitor, false},
		{"allowed by unionid", "uA", "-", visitor, false},
		{"not on the allow list", "oB", "-", visitor, true},
		{"an allow list with nobody", "", "-", visitor, true},
		{"denied", "-", "oA", visitor, true},
		{"denied by unionid", "-", "uA", visitor, true},
		{"another is denied", "-", "oB", visitor, false},
		{"a deny list with nobody", "-", "", visitor, false},
		{"on both: denied", "oA", "oA", visitor, true},
		{"allowed by openid, denied by unionid", "oA", "uA", visitor, true},
		{"without a unionid", "-", "uA", &session.Session{OpenID: "oA"}, false},
		{"part of another", "oAB", "-", visitor, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := func(name, content string) string {
				if content == "-" {
					return ""
				}
				return writeList(t, filepath.Join(t.TempDir(), name), content)
			}
			var errs fieldErrors
			l := newBuilder(testCommon()).openLists(Site{AllowOpenIDsFile: path("allow", test.allow), DenyOpenIDsFile: path("deny", test.deny)}, &errs)
			if errs.fields != nil {
				t.Fatal(errs.fields)
			}
			if got := l.refuse(test.visitor); got != test.want {
				t.Errorf("refuse = %t, want %t", got, test.want)
			}
		})
	}
}

func writeList(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// manyOpenIDs is a list of n openids, of 28 characters as WeChat's are.
func manyOpenIDs(n int) string {
	var text strings.Builder
	text.Grow(29 * n)
	var b [13]byte
	for i := range n {
		binary.BigEndian.PutUint64(b[:], uint64(i)*0x9e3779b97f4a7c15) // in no order
		text.WriteString("oX")
		text.WriteString(hex.EncodeToString(b[:]))
		text.WriteByte('\n')
	}
	return text.String()
}

// A list takes less than fifty bytes an openid.
func TestListsMemory(t *testing.T) {
	const n = 200_000
	path := writeList(t, filepath.Join(t.TempDir(), "list"), manyOpenIDs(n))
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	f, err := newOpenIDFile(path, false, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if got, limit := int64(heap())-int64(before), int64(50*n); got > limit {
		t.Errorf("%d openids take %d bytes, want at most %d", n, got, limit)
	}
	if got := len(f.Value()); got != n {
		t.Errorf("%d openids, want %d", got, n)
	}
}

func BenchmarkLists(b *testing.B) {
	const n = 1_000_000
	text := manyOpenIDs(n)
	path := writeList(b, filepath.Join(b.TempDir(), "list"), text)
	f, err := newOpenIDFile(path, false, zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	l := lists{deny: f}
	b.Run("lookup", func(b *testing.B) {
		b.ReportAllocs()
		ids := slices.Collect(strings.Lines(text[:29*1000]))
		i := 0
		for b.Loop() {
			i++
			l.refuse(&session.Session{OpenID: strings.TrimSpace(ids[i%len(ids)])})
		}
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := newOpenIDFile(path, false, zerolog.Nop()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
