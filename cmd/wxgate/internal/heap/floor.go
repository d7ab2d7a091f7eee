package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// By default (GOGC=100), the collector runs when the heap is twice what was alive
// after the last run, and at 4 MiB at the earliest. A gateway keeps so little alive
// that it would run every few hundred requests, which took a fifth of the processor
// time of a forward-auth check. So the percentage is set after each run: the heap
// grows to floor before the next one, and from half of that alive it grows as by
// default.
const (
	floor       = 16 << 20
	defaultRise = 100     // Go's percentage
	goSmallest  = 4 << 20 // Go's smallest heap, at defaultRise
	highestRise = floor / goSmallest * defaultRise
)

// keepFloor sets the percentage now and after each run of the collector.
func keepFloor() {
	debug.SetGCPercent(highestRise)
	afterEachRun(&follower{rise: highestRise, samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}})
}

// A follower keeps the percentage in step with what is alive.
type follower struct {
	rise    int
	samples []metrics.Sample
}

// afterEachRun calls follow whenever the collector has found an object unreachable,
// which is made anew each time.
func afterEachRun(f *follower) {
	runtime.AddCleanup(new(*follower), func(f *follower) {
		f.follow()
		afterEachRun(f)
	}, f)
}

func (f *follower) follow() {
	metrics.Read(f.samples)
	rise := riseOf(f.samples[0].Value.Uint64(), f.samples[1].Value.Uint64()+f.samples[2].Value.Uint64())
	// Setting it stops all goroutines for a moment.
	if near := f.rise / 8; rise < f.rise-near || rise > f.rise+near {
		f.rise = rise
		debug.SetGCPercent(rise)
	}
}

// riseOf returns the percentage by which the heap grows to floor from what is alive.
// Go takes it of roots too, the stacks and globals.
func riseOf(alive, roots uint64) int {
	if alive >= floor {
		return defaultRise
	}
	return int(min(max((floor-alive)*100/max(alive+roots, 1), defaultRise), highestRise))
}
