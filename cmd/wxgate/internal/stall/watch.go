package stall

import (
	"sync"
	"time"
)

// watch calls cut once a read or a write has waited for the timeout. The zero
// value with these two fields is ready.
type watch struct {
	timeout time.Duration
	cut     func() // ends what waits with an error

	mu      sync.Mutex
	waiting int       // reads, or writes, that wait
	since   time.Time // when they began to
	timer   *time.Timer
	stopped bool
}

// begin notes that a read or a write begins.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == 0 {
		w.since = time.Now()
	}
	w.waiting++
	if w.timer == nil && !w.stopped {
		w.timer = time.AfterFunc(w.timeout, w.check)
	}
}

// end notes that it has ended.
func (w *watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting--
}

// check cuts off what has waited for too long, or looks again when that may be so.
// It costs less than a timer for each read and write.
func (w *watch) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := w.timeout
	if w.waiting > 0 {
		left -= time.Since(w.since)
	}
	switch {
	case w.stopped:
	case left <= 0:
		w.cut()
	default:
		w.timer.Reset(left)
	}
}

// stop ends the watch. It does not call cut afterwards.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}
