// Package sweep has a map that forgets old entries as new ones come, without a
// goroutine or a timer.
package sweep

import "time"

// Min is the number of entries below which a [Map] forgets none.
const Min = 1024

// A Map is a map that forgets its old entries whenever it has grown to twice the
// number that the last time left. So it stays within twice the entries that are
// not old, or Min, and a new entry costs amortized constant time. Get finds an
// old entry until it is forgotten. A Map is not safe for concurrent use.
type Map[K comparable, V any] struct {
	entries map[K]V
	old     func(V, time.Time) bool
	sweepAt int // number of entries at which the next new key forgets the old
}

// New returns an empty map. The function old reports whether the map may forget
// a value at the given time.
func New[K comparable, V any](old func(value V, now time.Time) bool) *Map[K, V] {
	return &Map[K, V]{entries: make(map[K]V), old: old, sweepAt: Min}
}

// Get returns the value of key, old or not, and whether there is one.
func (m *Map[K, V]) Get(key K) (V, bool) {
	value, ok := m.entries[key]
	return value, ok
}

// Put sets the value of key. A new key may make the map forget what is old at
// the time now. The map keeps key itself, known or new: clone a string that is
// part of a longer one.
func (m *Map[K, V]) Put(key K, value V, now time.Time) {
	if _, ok := m.entries[key]; !ok && len(m.entries) >= m.sweepAt {
		m.sweep(now)
	}
	m.entries[key] = value
}

// Delete removes key.
func (m *Map[K, V]) Delete(key K) { delete(m.entries, key) }

// Len returns the number of entries, old ones included.
func (m *Map[K, V]) Len() int { return len(m.entries) }

func (m *Map[K, V]) sweep(now time.Time) {
	for key, value := range m.entries {
		if m.old(value, now) {
			delete(m.entries, key)
		}
	}
	m.sweepAt = max(Min, 2*len(m.entries))
}
