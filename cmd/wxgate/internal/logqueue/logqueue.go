// Package logqueue writes log lines in the background, so that an output that is
// slow, full or closed never holds up a request. zerolog's package diode does so
// too, but it limits lines instead of bytes, drops the oldest lines, without regard
// to their level, and cannot be closed while a write blocks.
package logqueue

import (
	"bytes"
	"io"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

const (
	// maxBytes limits the lines that wait while a write blocks.
	maxBytes = 4 << 20
	// reserved is the part of maxBytes that only warnings and errors may use.
	reserved = 1 << 20
	// interval is the time between two writes, so that under load one write takes
	// many lines. Warnings and errors do not wait for it.
	interval = 100 * time.Millisecond
	// retry is the time between two tries to write to an output that has failed.
	retry = time.Second
	// closeTimeout is how long Close waits.
	closeTimeout = 5 * time.Second
	// keptBytes is the size above which a buffer is not used again.
	keptBytes = 256 << 10
)

// A Writer keeps lines until its output has taken them, in their order. When too
// many wait it drops new ones, and says how many when the output takes lines again.
// It is a [zerolog.LevelWriter], safe for concurrent use; make one with [New].
type Writer struct {
	out     io.Writer
	wake    chan struct{} // lines wait
	urgent  chan struct{} // a warning or an error is among them
	closing chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	waiting []byte
	dropped int // lines since the last report
}

// New returns a Writer for out, which gets whole lines, often several at once.
// After an error of out, New's goroutine repeats the write until it succeeds.
func New(out io.Writer) *Writer {
	w := &Writer{
		out:  out,
		wake: make(chan struct{}, 1), urgent: make(chan struct{}, 1),
		closing: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// Write implements [io.Writer]. It never fails.
func (w *Writer) Write(line []byte) (int, error) {
	return w.WriteLevel(zerolog.NoLevel, line)
}

// WriteLevel implements [zerolog.LevelWriter]. It never fails.
func (w *Writer) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	limit, urgent := maxBytes-reserved, level >= zerolog.WarnLevel && level <= zerolog.PanicLevel
	if urgent {
		limit = maxBytes
	}
	w.mu.Lock()
	if len(w.waiting)+len(line) > limit {
		w.dropped++
	} else {
		w.waiting = append(w.waiting, line...)
	}
	w.mu.Unlock()
	tell(w.wake)
	if urgent {
		tell(w.urgent)
	}
	return len(line), nil
}

// tell puts a signal into a channel unless it holds one.
func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close writes the lines that wait. It gives up if the output fails, or takes
// longer than five seconds. Lines that are written after it are dropped.
func (w *Writer) Close() {
	close(w.closing)
	timeout := time.NewTimer(closeTimeout)
	defer timeout.Stop()
	select {
	case <-w.done:
	case <-timeout.C:
	}
}

// run writes lines until Close.
func (w *Writer) run() {
	defer close(w.done)
	var lines []byte
	var written time.Time
	for open := true; open; written = time.Now() {
		open = w.wait(written)
		if cap(lines) > keptBytes {
			lines = nil
		}
		lines = w.take(lines[:0])
		w.write(lines)
	}
}

// wait waits until lines should be written. It returns false after Close.
func (w *Writer) wait(written time.Time) (open bool) {
	select {
	case <-w.wake:
	case <-w.closing:
		return false
	}
	pause := time.NewTimer(interval - time.Since(written))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-w.urgent:
	case <-w.closing:
		return false
	}
	return true
}

// take returns the lines that wait, and a report of those that were dropped after
// them. New lines go to the buffer.
func (w *Writer) take(buffer []byte) []byte {
	w.mu.Lock()
	lines, dropped := w.waiting, w.dropped
	w.waiting, w.dropped = buffer, 0
	w.mu.Unlock()
	if dropped == 0 {
		return lines
	}
	report := bytes.NewBuffer(lines)
	logger := zerolog.New(report).With().Timestamp().Logger()
	logger.Error().Int("lines", dropped).
		Str("hint", "stdout was not read, or could not be written: look at what collects the log, or at the disk").
		Msg("log lines dropped")
	return report.Bytes()
}

// write writes lines, again and again after errors. After Close one error ends it.
func (w *Writer) write(lines []byte) {
	closing := false
	for len(lines) > 0 {
		n, err := w.out.Write(lines)
		lines = lines[n:]
		switch {
		case err == nil:
		case closing:
			return
		default:
			again := time.NewTimer(retry)
			select {
			case <-again.C:
			case <-w.closing:
				closing = true
			}
			again.Stop()
		}
	}
}
