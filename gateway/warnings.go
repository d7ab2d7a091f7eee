package gateway

import (
	"sync/atomic"
	"time"
)

// everyMinute limits a log message that clients can trigger to one a minute. The
// zero value is ready for use.
type everyMinute struct{ last atomic.Int64 }

// do calls log, unless it did within the last minute.
func (e *everyMinute) do(log func()) {
	now, last := time.Now().UnixNano(), e.last.Load()
	if now-last >= int64(time.Minute) && e.last.CompareAndSwap(last, now) {
		log()
	}
}
