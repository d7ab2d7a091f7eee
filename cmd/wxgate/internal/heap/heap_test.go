package heap

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestLimit(t *testing.T) {
	const mebi = 1 << 20
	for _, test := range []struct {
		name      string
		environ   []string
		container uint64
		err       error
		want      int64
	}{
		{"nine tenths of the container's", nil, 100 * mebi, nil, 94371840},
		{"a small container", nil, 10 * mebi, nil, 9437184},
		{"no container", nil, 0, errors.New("no cgroup"), math.MaxInt64},
		{"more than any machine has", nil, math.MaxUint64, nil, math.MaxInt64},
		{"the user's", []string{"GOMEMLIMIT=1GiB"}, 100 * mebi, nil, math.MaxInt64},
		{"the user's: off", []string{"GOMEMLIMIT=off"}, 100 * mebi, nil, math.MaxInt64},
		{"an empty variable", []string{"GOMEMLIMIT="}, 100 * mebi, nil, 94371840},
		{"another variable", []string{"GOGC=50", "GOMEMLIMITS=1GiB"}, 100 * mebi, nil, 94371840},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := debug.SetMemoryLimit(math.MaxInt64)
			defer debug.SetMemoryLimit(before)
			limit(test.environ, func() (uint64, error) { return test.container, test.err })
			if got := debug.SetMemoryLimit(-1); got != test.want {
				t.Errorf("limit = %d, want %d", got, test.want)
			}
		})
	}
}

// The heap reaches floor before the collector runs, and twice what is alive if that
// is more.
func TestRiseOf(t *testing.T) {
	t.Parallel()
	const mebi = 1 << 20
	for _, test := range []struct {
		name         string
		alive, roots uint64
		want         int
	}{
		{"a new process", 0, 0, 400},
		{"little", mebi, mebi, 400},
		{"as much as a gateway keeps", 4 * mebi, mebi, 240},
		{"half of floor", 8 * mebi, 0, 100},
		{"nearly floor", 15 * mebi, mebi, 100},
		{"floor", 16 * mebi, mebi, 100},
		{"much", 1 << 40, 1 << 40, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := riseOf(test.alive, test.roots); got != test.want {
				t.Errorf("riseOf(%d, %d) = %d, want %d", test.alive, test.roots, got, test.want)
			}
		})
	}
}

// The percentage falls to Go's own as what is alive grows, and rises again.
func TestKeepFloor(t *testing.T) {
	keepFloor()
	kept := make([]byte, 2*floor)
	collectUntil(t, func(rise uint64) bool { return rise == defaultRise })
	runtime.KeepAlive(kept)
	kept = nil
	collectUntil(t, func(rise uint64) bool { return rise > 2*defaultRise })
}

// collectUntil runs the collector until the percentage is as wanted.
func collectUntil(t *testing.T, wanted func(rise uint64) bool) {
	t.Helper()
	rise := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range 10_000 {
		runtime.GC()
		if metrics.Read(rise); wanted(rise[0].Value.Uint64()) {
			return
		}
	}
	t.Fatalf("GOGC stays %d", rise[0].Value.Uint64())
}
