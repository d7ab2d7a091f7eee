package sweep_test

import (
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/sweep"
)

// newMap returns a map whose values are the times from which they are old.
func newMap() *sweep.Map[int, time.Time] {
	return sweep.New[int](func(until, now time.Time) bool { return !now.Before(until) })
}

func TestMap(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := newMap()
	if value, ok := m.Get(1); ok || !value.IsZero() {
		t.Errorf("Get of an empty map = %v, %t, want nothing", value, ok)
	}
	m.Put(1, now, now)
	m.Put(1, now.Add(time.Second), now)
	m.Put(2, now, now)
	if value, ok := m.Get(1); !ok || !value.Equal(now.Add(time.Second)) || m.Len() != 2 {
		t.Errorf("Get(1) = %v, %t of %d entries, want the last value of two entries", value, ok, m.Len())
	}
	m.Delete(1)
	m.Delete(3)
	if _, ok := m.Get(1); ok || m.Len() != 1 {
		t.Errorf("after Delete, key 1 is there: %t, with %d entries, want one other", ok, m.Len())
	}
}

// The map forgets what is old, and only that, with the new key after Min.
func TestMapForgetsTheOld(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := newMap()
	for key := range sweep.Min {
		until := now // old at once
		if key%4 == 0 {
			until = now.Add(time.Minute)
		}
		m.Put(key, until, now)
	}
	m.Put(1, now, now)
	if m.Len() != sweep.Min {
		t.Fatalf("%d entries after known keys alone, want %d", m.Len(), sweep.Min)
	}
	m.Put(-1, now, now)
	if want := sweep.Min/4 + 1; m.Len() != want {
		t.Errorf("%d entries, want %d: those that are not old and the new one", m.Len(), want)
	}
	for key := range sweep.Min {
		if _, ok := m.Get(key); ok != (key%4 == 0) {
			t.Errorf("key %d is there: %t, want %t", key, ok, key%4 == 0)
		}
	}
	for key := 0; m.Len() < sweep.Min; key++ {
		before := m.Len()
		if m.Put(key, now, now); m.Len() < before {
			t.Fatalf("old entries are forgotten at %d, want none below %d", before, sweep.Min)
		}
	}
}

// As long as nothing is old, the map grows, and looks for old entries only when
// it has doubled.
func TestMapLooksSeldom(t *testing.T) {
	t.Parallel()
	now, looks := time.Now(), 0
	m := sweep.New[int](func(time.Time, time.Time) bool { looks++; return false })
	const entries = 16 * sweep.Min
	for key := range entries {
		m.Put(key, now, now)
	}
	if m.Len() != entries {
		t.Errorf("%d entries, want %d: none is old", m.Len(), entries)
	}
	if want := (1 + 2 + 4 + 8) * sweep.Min; looks != want {
		t.Errorf("%d looks at an entry, want %d", looks, want)
	}
}

// A steady stream of entries of which a number is in use keeps at most twice
// that, whatever came before.
func TestMapStaysSmall(t *testing.T) {
	t.Parallel()
	m, now := newMap(), time.Now()
	const inUse = 3 * sweep.Min
	for key := range 40 * sweep.Min {
		now = now.Add(time.Second)
		m.Put(key, now.Add(inUse*time.Second), now)
		if most := 2 * inUse; m.Len() > most {
			t.Fatalf("%d entries with %d in use, want at most %d", m.Len(), inUse, most)
		}
	}
}
