package gateway

import (
	"sync/atomic"
	"time"
)

// warnings are what an operator should be told of that many requests show, and
// strangers' too: each of them once a minute at most.
type warnings struct {
	host   seldom // a login begun under a host that is not the public URL's
	proxy  seldom // forward auth asked by somebody who is not trusted
	claim  seldom // forward auth asked with headers that contradict each other
	site   seldom // a login for a site that is not the hub's
	ticket seldom // ticket after ticket of one visitor refused
}

// seldom runs a function once a minute at most. The zero value is ready for use.
type seldom struct{ last atomic.Int64 }

func (s *seldom) do(f func()) {
	now, last := time.Now().UnixNano(), s.last.Load()
	if now-last >= int64(time.Minute) && s.last.CompareAndSwap(last, now) {
		f()
	}
}
