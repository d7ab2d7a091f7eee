package gateway

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
)

func TestParseOpenIDs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, in string
		want     []string
		line     int // that is wrong; 0: none
	}{
		{name: "empty", in: "", want: []string{}},
		{name: "sorted, once each", in: "oB\noA\noB\n", want: []string{"oA", "oB"}},
		{name: "no line end", in: "oA\noB", want: []string{"oA", "oB"}},
		{name: "Windows", in: "\ufeffoA\r\noB\r\n", want: []string{"oA", "oB"}},
		{name: "comments", in: "# staff\noA # the boss\n#oB\n\n  \t\noC#\n", want: []string{"oA", "oC"}},
		{name: "blanks around", in: "  oA\t\n", want: []string{"oA"}},
		{name: "letter case counts", in: "oa\noA\n", want: []string{"oA", "oa"}},
		{name: "two on a line", in: "oA\noB oC\n", line: 2},
		{name: "a comma", in: "oA,oB\n", want: []string{"oA,oB"}}, // visible ASCII is all that WeChat promises
		{name: "binary", in: "oA\n\x00\x01\n", line: 2},
		{name: "not ASCII", in: "# ä is fine here\noÄ\n", line: 2},
		{name: "longest", in: strings.Repeat("o", 128), want: []string{strings.Repeat("o", 128)}},
		{name: "too long", in: strings.Repeat("o", 129), line: 1},
		{name: "UTF-16", in: "\xff\xfeo\x00A\x00\n\x00", line: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := parseOpenIDs(test.in)
			if test.line > 0 {
				if want := fmt.Sprintf("line %d: expected one openid", test.line); err == nil || err.Error() != want {
					t.Errorf("parseOpenIDs(%q) = %q, %v, want the error %q", test.in, got, err, want)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("parseOpenIDs(%q): %v (-want +got):\n%s", test.in, err, diff)
			}
		})
	}
}

// Whatever a file holds: it is refused, or its openids are the lines without
// comments and blanks, in order.
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
			l, err := newBuilder(&shared{logger: zerolog.Nop()}).listsOf(path("allow", test.allow), path("deny", test.deny))
			if err != nil {
				t.Fatal(err)
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

func TestListsBadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, test := range []struct{ name, path, want string }{
		{"missing", filepath.Join(dir, "missing"), "no such file"},
		{"a directory", dir, "expected a file"},
		{"binary", writeList(t, filepath.Join(dir, "binary"), "\x7fELF\x00"), "line 1: expected one openid"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for i, paths := range [][2]string{{test.path, ""}, {"", test.path}} {
				_, err := newBuilder(&shared{logger: zerolog.Nop()}).listsOf(paths[0], paths[1])
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
					t.Errorf("list %d: error %v, want one with %q and the path", i, err, test.want)
				}
			}
		})
	}
}

// A file is read again when it changes, by whatever means, within five seconds;
// one that cannot be read leaves the former list in place and one line in the
// log. The bubble's clock is years before the disk's: a file as old as the
// bubble is one that was written long ago.
func TestListsReread(t *testing.T) {
	t.Parallel()
	replace := func(t *testing.T, path, content string) {
		if err := os.Rename(writeList(t, path+".new", content), path); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		change func(t *testing.T, path string)
		want   []string
		errors int
	}{
		{"written again", func(t *testing.T, path string) { writeList(t, path, "oB\noC\n") }, []string{"oB", "oC"}, 0},
		{"of the same size", func(t *testing.T, path string) { writeList(t, path, "oB\n") }, []string{"oB"}, 0},
		{"replaced", func(t *testing.T, path string) { replace(t, path, "oB\n") }, []string{"oB"}, 0},
		{"replaced by one as old", func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			writeList(t, path+".new", "oB\n")
			err = errors.Join(os.Chtimes(path+".new", info.ModTime(), info.ModTime()), os.Rename(path+".new", path))
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"oB"}, 0},
		{"emptied", func(t *testing.T, path string) { writeList(t, path, "") }, []string{}, 0},
		{"removed", func(t *testing.T, path string) { os.Remove(path) }, []string{"oA"}, 1},
		{"binary", func(t *testing.T, path string) { writeList(t, path, "oB\n\x00\n") }, []string{"oA"}, 1},
		{"a directory", func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, []string{"oA"}, 1},
		{"removed and back", func(t *testing.T, path string) { os.Remove(path); writeList(t, path, "oB\n") }, []string{"oB"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := writeList(t, filepath.Join(t.TempDir(), "list"), "oA\n")
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				f, err := newOpenIDFile(path, zerolog.New(&log))
				if err != nil {
					t.Fatal(err)
				}
				names := func() []string {
					f.refresh()
					return *f.value.Load()
				}
				time.Sleep(time.Minute)
				names() // has just looked
				test.change(t, path)
				if got := names(); !slices.Equal(got, []string{"oA"}) {
					t.Errorf("at once: %q, want the former list: nobody stats a file for every request", got)
				}
				for range 10 {
					time.Sleep(4 * time.Second)
					if got := names(); !slices.Equal(got, test.want) {
						t.Errorf("%q, want %q", got, test.want)
					}
				}
				if got := strings.Count(log.String(), `"level":"error"`); got != test.errors || strings.Contains(log.String(), "oB") {
					t.Errorf("%d errors in the log, want %d: %s", got, test.errors, log.String())
				}
				// Mended, it counts again.
				if test.errors > 0 {
					os.Remove(path)
					writeList(t, path, "oD\n")
					time.Sleep(4 * time.Second)
					if got := names(); !slices.Equal(got, []string{"oD"}) {
						t.Errorf("mended: %q, want oD", got)
					}
				}
			})
		})
	}
}

// A file that is written twice within the grain of its time looks the same both
// times.
func TestListsWrittenTwiceAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list")
	synctest.Test(t, func(t *testing.T) {
		at := time.Now()
		write := func(content string) {
			if err := os.Chtimes(writeList(t, path, content), at, at); err != nil {
				t.Fatal(err)
			}
		}
		write("oA\n")
		f, err := newOpenIDFile(path, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		write("oB\n")
		time.Sleep(4 * time.Second)
		if !f.names(&session.Session{OpenID: "oB"}) {
			t.Errorf("list = %q, want what was written last", *f.value.Load())
		}
	})
}

// Kubernetes mounts a ConfigMap or Secret as files that are symbolic links into
// a directory that is one too, and swaps that.
func TestListsInAMountedVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := func(version, content string) error {
		err := os.Mkdir(filepath.Join(dir, version), 0o700)
		old := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC) // both versions: the inode alone tells them apart
		return errors.Join(err,
			os.Chtimes(writeList(t, filepath.Join(dir, version, "list"), content), old, old),
			os.Symlink(version, filepath.Join(dir, "..tmp")),
			os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	if err := errors.Join(link("..1", "oA\n"), os.Symlink(filepath.Join("..data", "list"), filepath.Join(dir, "list"))); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		f, err := newOpenIDFile(filepath.Join(dir, "list"), zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		f.refresh()
		if err := errors.Join(link("..2", "oB\n"), os.RemoveAll(filepath.Join(dir, "..1"))); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		if !f.names(&session.Session{OpenID: "oB"}) || f.names(&session.Session{OpenID: "oA"}) {
			t.Errorf("list = %q, want that of the new version", *f.value.Load())
		}
	})
}

func TestListsUnreadableFile(t *testing.T) {
	t.Parallel()
	path := writeList(t, filepath.Join(t.TempDir(), "list"), "oA\n")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(path); err == nil {
		t.Skip("this user may read every file")
	}
	if _, err := newBuilder(&shared{logger: zerolog.Nop()}).listsOf(path, ""); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v, want that the file may not be read", err)
	}
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

// A million openids take less than fifty bytes each.
func TestListsMemory(t *testing.T) {
	const n = 1_000_000
	path := writeList(t, filepath.Join(t.TempDir(), "list"), manyOpenIDs(n))
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	f, err := newOpenIDFile(path, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	if got, limit := int64(heap())-int64(before), int64(50*n); got > limit {
		t.Errorf("%d openids take %d bytes, want at most %d", n, got, limit)
	}
	if got := len(*f.value.Load()); got != n {
		t.Errorf("%d openids, want %d", got, n)
	}
}

func BenchmarkLists(b *testing.B) {
	const n = 1_000_000
	text := manyOpenIDs(n)
	path := writeList(b, filepath.Join(b.TempDir(), "list"), text)
	f, err := newOpenIDFile(path, zerolog.Nop())
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
			if err := f.read(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
