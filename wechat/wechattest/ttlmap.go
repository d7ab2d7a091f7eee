package wechattest

import "time"

// ttlMapSize limits the values of one ttlMap: with 100,000 visitors at once an
// emulator needs some tens of megabytes.
const ttlMapSize = 100_000

// ttlMap keeps values by key for at least their ttl. The ttl is longer than a
// value is valid, so that "expired" can be told from "unknown". The oldest values
// are removed first when the map is full.
type ttlMap[T any] struct {
	ttl    time.Duration
	values map[string]ttlValue[T]
	order  []ttlKey // oldest first
}

type ttlValue[T any] struct {
	value  T
	stored time.Time
}

type ttlKey struct {
	key    string
	stored time.Time
}

// put adds or replaces a value, whose ttl starts again.
func (m *ttlMap[T]) put(now time.Time, key string, value T) {
	if m.values == nil {
		m.values = map[string]ttlValue[T]{}
	}
	for len(m.order) > 0 && (len(m.order) >= ttlMapSize || now.Sub(m.order[0].stored) > m.ttl) {
		oldest := m.order[0]
		m.order = m.order[1:]
		if m.values[oldest.key].stored.Equal(oldest.stored) { // not replaced since
			delete(m.values, oldest.key)
		}
	}
	m.values[key] = ttlValue[T]{value, now}
	m.order = append(m.order, ttlKey{key, now})
}

func (m *ttlMap[T]) get(key string) (T, bool) {
	v, ok := m.values[key]
	return v.value, ok
}
