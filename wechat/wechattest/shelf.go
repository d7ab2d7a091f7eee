package wechattest

import "time"

// shelfSize is the most that any one shelf keeps: with 100,000 visitors at
// once an emulator holds some tens of megabytes.
const shelfSize = 100_000

// shelf keeps values by key for as long as somebody may ask for them, and a
// while longer so that "expired" can be told from "unknown". The oldest go
// first when it is full.
type shelf[T any] struct {
	life  time.Duration
	items map[string]shelved[T]
	order []shelfMark // oldest first
}

type shelved[T any] struct {
	value T
	mark  time.Time
}

type shelfMark struct {
	key  string
	mark time.Time
}

// put places or replaces a value, whose life begins anew.
func (s *shelf[T]) put(now time.Time, key string, value T) {
	if s.items == nil {
		s.items = map[string]shelved[T]{}
	}
	for len(s.order) > 0 && (len(s.order) >= shelfSize || now.Sub(s.order[0].mark) > s.life) {
		oldest := s.order[0]
		s.order = s.order[1:]
		if s.items[oldest.key].mark.Equal(oldest.mark) { // not replaced since
			delete(s.items, oldest.key)
		}
	}
	s.items[key] = shelved[T]{value, now}
	s.order = append(s.order, shelfMark{key, now})
}

func (s *shelf[T]) get(key string) (T, bool) {
	item, ok := s.items[key]
	return item.value, ok
}
