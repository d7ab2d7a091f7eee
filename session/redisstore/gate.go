package redisstore

import "sync/atomic"

// gateParts is the number of parts of Redis that may be down by themselves: ranges of
// a cluster's slots. Otherwise there is one.
const gateParts = 64

// A gate keeps reads from a part of Redis that does not answer, so that a visitor
// waits for the first failure alone. One read at a time finds out whether the part
// answers again. It is safe for concurrent use.
type gate [gateParts]struct{ down, asked atomic.Bool }

// enter reports whether a read of a slot may ask Redis. The caller must then leave.
func (g *gate) enter(slot uint16) bool {
	part := g.part(slot)
	return !part.down.Load() || part.asked.CompareAndSwap(false, true)
}

// leave notes whether Redis has answered a read.
func (g *gate) leave(slot uint16, answered bool) {
	part := g.part(slot)
	if part.down.Load() == answered { // do not write to shared memory for each read
		part.down.Store(!answered)
	}
	if part.asked.Load() {
		part.asked.Store(false)
	}
}

func (g *gate) part(slot uint16) *struct{ down, asked atomic.Bool } {
	const slots = 16384
	if slot >= slots { // not of a cluster
		slot = 0
	}
	return &g[slot/(slots/gateParts)]
}
