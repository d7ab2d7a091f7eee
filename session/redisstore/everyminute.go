package redisstore

import (
	"sync/atomic"
	"time"
)

// everyMinute limits a log message to one a minute. The zero value is ready.
type everyMinute struct{ last atomic.Int64 } // Unix time in nanoseconds

// due reports whether the message may be logged now, and counts it.
func (e *everyMinute) due() bool {
	now, last := time.Now(), e.last.Load()
	return now.Sub(time.Unix(0, last)) >= time.Minute && e.last.CompareAndSwap(last, now.UnixNano())
}
