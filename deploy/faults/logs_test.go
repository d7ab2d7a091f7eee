package faults_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Visitors do not notice that nobody reads the log: a container runtime that hangs,
// say. Once it is read again, all lines are there, and an orderly end loses none.
func TestLogPipeNotRead(t *testing.T) {
	reader, writer := newPipe(t)
	f := newFleet(t, options{logs: writer})
	writer.Close() // the gateway has its own
	seen := f.during(func() { time.Sleep(2 * time.Second) })
	var lines logLines
	lines.read(reader)
	more := f.during(func() { time.Sleep(100 * time.Millisecond) })
	f.verdict(seen, "200")
	f.verdict(more, "200")
	f.gateways[0].signal(syscall.SIGTERM)
	f.verdict(more, "200") // the process has ended with 0
	lines.wait()
	if visits, _ := f.site.report(); lines.of("/page") != visits || seen.total()+more.total() != visits {
		t.Errorf("%d access lines for %d visits, want one each", lines.of("/page"), visits)
	}
	if lines.last != "stopped" {
		t.Errorf("the last line is %q, want %q", lines.last, "stopped")
	}
}

// A pipe that nobody reads does not hold up the end of the process.
func TestLogPipeNotReadAtTheEnd(t *testing.T) {
	slow(t)
	reader, writer := newPipe(t)
	defer reader.Close()
	f := newFleet(t, options{logs: writer})
	writer.Close()
	seen := f.during(func() { time.Sleep(time.Second) })
	f.gateways[0].signal(syscall.SIGTERM)
	f.gateways[0].exit()
	f.verdict(seen, "200")
}

// Visitors do not notice that the log cannot be written.
func TestLogNotWritable(t *testing.T) {
	reader, writer := newPipe(t)
	reader.Close()
	for _, tt := range []struct {
		name string
		o    options
	}{
		{"closed", options{redirect: ">&-"}},
		{"full disk", options{redirect: ">/dev/full"}},
		{"the reader has ended", options{logs: writer}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t, tt.o)
			seen := f.during(func() { time.Sleep(500 * time.Millisecond) })
			f.verdict(seen, "200")
			if n := f.log.lines(""); n > 5 {
				t.Errorf("stderr has %d lines, want at most 5", n)
			}
		})
	}
}

// newPipe returns both ends of a pipe. The reader is closed at the end of the test.
func newPipe(t *testing.T) (reader, writer *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	return reader, writer
}

// logLines counts the lines of a log.
type logLines struct {
	reading sync.WaitGroup
	paths   map[string]int // of access lines
	last    string         // message
}

// read begins to count in the background.
func (l *logLines) read(from io.Reader) {
	l.paths = map[string]int{}
	l.reading.Go(func() {
		scanner := bufio.NewScanner(from)
		for scanner.Scan() {
			var line struct{ Message, Path string }
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				l.last = "not JSON: " + strings.ToValidUTF8(scanner.Text(), "?")
				return
			}
			l.last = line.Message
			if line.Message == "request" {
				l.paths[line.Path]++
			}
		}
	})
}

// wait waits until all writers have closed the log.
func (l *logLines) wait() { l.reading.Wait() }

// of returns the number of access lines with a path.
func (l *logLines) of(path string) int { return l.paths[path] }
