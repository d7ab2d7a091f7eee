// Package counter counts what happens at each of many sites.
//
// A [Vec] stands for a [prometheus.CounterVec], which keeps about 600 bytes for each series.
// A site has 150 series that exist from the start, and with a thousand sites the garbage
// collector would walk over 90 MB again and again. A Vec keeps 8 bytes for each of them.
package counter

import "sync/atomic"

// Counter counts events. The zero value has counted none. It is safe for concurrent use.
type Counter struct{ n atomic.Uint64 }

// Inc counts an event.
func (c *Counter) Inc() { c.n.Add(1) }

// Add counts n events, at least none.
func (c *Counter) Add(n uint64) { c.n.Add(n) }

// Value returns the number of events.
func (c *Counter) Value() uint64 { return c.n.Load() }
