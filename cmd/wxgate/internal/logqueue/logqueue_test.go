package logqueue_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/logqueue"
)

// A sink is an output. It can block, fail, and take only a part.
type sink struct {
	mu     sync.Mutex
	text   strings.Builder
	writes int
	err    error
	part   int // with err: how many bytes it takes all the same

	blocked chan struct{} // Write waits until it is closed; nil: it does not
}

func (s *sink) Write(p []byte) (int, error) {
	if s.blocked != nil {
		<-s.blocked
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.err != nil {
		s.text.Write(p[:min(s.part, len(p))])
		return min(s.part, len(p)), s.err
	}
	return s.text.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *sink) fail(err error, part int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.part = err, part
}

// write writes numbered lines and returns them.
func write(w *logqueue.Writer, level zerolog.Level, from, to int) string {
	var all strings.Builder
	for i := from; i < to; i++ {
		line := fmt.Sprintf("line %d\n", i)
		if n, err := w.WriteLevel(level, []byte(line)); n != len(line) || err != nil {
			panic(fmt.Sprint(n, err))
		}
		all.WriteString(line)
	}
	return all.String()
}

// A line is written at once after a quiet time, else a tenth of a second after the
// write before it. A warning or an error never waits.
func TestWhenLinesAreWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := new(sink)
		w := logqueue.New(out)
		defer w.Close()
		time.Sleep(time.Hour)
		var want strings.Builder
		for _, step := range []struct {
			level  zerolog.Level
			lines  int
			atOnce bool
		}{
			{zerolog.InfoLevel, 1, true},
			{zerolog.InfoLevel, 1000, false},
			{zerolog.InfoLevel, 1, false},
			{zerolog.WarnLevel, 1, true},
			{zerolog.ErrorLevel, 1, true},
		} {
			want.WriteString(write(w, step.level, 0, step.lines))
			synctest.Wait()
			if got := out.String() == want.String(); got != step.atOnce {
				t.Errorf("%d lines of level %v are written at once: %t, want %t", step.lines, step.level, got, step.atOnce)
			}
			if !step.atOnce {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
			if out.String() != want.String() {
				t.Errorf("%d lines of level %v are not written in time", step.lines, step.level)
			}
		}
		if out.writes != 5 {
			t.Errorf("%d writes, want one for each step", out.writes)
		}
	})
}

func TestCloseWritesAllLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := new(sink)
		w := logqueue.New(out)
		want := write(w, zerolog.InfoLevel, 0, 10)
		synctest.Wait()
		want += write(w, zerolog.InfoLevel, 10, 1000)
		begin := time.Now()
		w.Close()
		if out.String() != want {
			t.Errorf("%d bytes are written, want all %d in order", len(out.String()), len(want))
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("Close takes %v, want no wait", took)
		}
	})
}

// While a write blocks, lines wait, up to a limit. A quarter of it is for warnings
// and errors alone. The report stands where lines are missing.
func TestBlockedOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &sink{blocked: make(chan struct{})}
		w := logqueue.New(out)
		write(w, zerolog.InfoLevel, 0, 1)
		synctest.Wait() // it is being written
		access, warning := strings.Repeat("a", 1023)+"\n", strings.Repeat("w", 1023)+"\n"
		for range 4000 {
			w.WriteLevel(zerolog.InfoLevel, []byte(access))
		}
		for range 2000 {
			w.WriteLevel(zerolog.WarnLevel, []byte(warning))
		}
		close(out.blocked)
		synctest.Wait()
		time.Sleep(time.Second)
		write(w, zerolog.InfoLevel, 1, 2)
		w.Close()
		lines := strings.SplitAfter(out.String(), "\n")
		counts := map[string]int{}
		for _, line := range lines {
			counts[line]++
		}
		if counts[access] != 3<<10 || counts[warning] != 1<<10 {
			t.Errorf("%d access lines and %d warnings are written, want 3072 and 1024", counts[access], counts[warning])
		}
		report := lines[1+4<<10]
		for _, want := range []string{`"level":"error"`, `"lines":1904`, `"message":"log lines dropped"`, `"hint":"`, `"time":"`} {
			if !strings.Contains(report, want) {
				t.Errorf("the line after them is %q, want a report with %s", report, want)
			}
		}
		if got := strings.Join(lines[2+4<<10:], ""); got != "line 1\n" {
			t.Errorf("after the report stands %q, want the next line alone", got)
		}
	})
}

// After an error the rest is written again, also of a line, once a second.
func TestFailingOutput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := new(sink)
		w := logqueue.New(out)
		defer w.Close()
		out.fail(errors.New("no space left on device"), 3)
		want := write(w, zerolog.InfoLevel, 0, 1)
		synctest.Wait()
		out.fail(errors.New("no space left on device"), 0)
		want += write(w, zerolog.ErrorLevel, 1, 100)
		time.Sleep(time.Minute)
		if got := out.String(); got != "lin" || out.writes > 62 {
			t.Errorf("%q is written in %d tries, want a part of the first line in about 60", got, out.writes)
		}
		out.fail(nil, 0)
		time.Sleep(2 * time.Second)
		if got := out.String(); got != want {
			t.Errorf("then %q is written, want all lines", got)
		}
	})
}

func TestCloseEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		lines  int
		err    error
		blocks bool
		want   time.Duration
	}{
		{"nothing to write", 0, nil, false, 0},
		{"an output that fails", 10, errors.New("broken pipe"), false, 0},
		{"an output that blocks", 10, nil, true, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out := &sink{err: tt.err}
				if tt.blocks {
					out.blocked = make(chan struct{})
					defer close(out.blocked)
				}
				w := logqueue.New(out)
				write(w, zerolog.InfoLevel, 0, tt.lines)
				synctest.Wait()
				begin := time.Now()
				w.Close()
				if took := time.Since(begin); took != tt.want {
					t.Errorf("Close takes %v, want %v", took, tt.want)
				}
				write(w, zerolog.InfoLevel, 0, 1) // is dropped
			})
		})
	}
}
