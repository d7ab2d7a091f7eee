// Package heap sets how often Go's garbage collector runs, and how much memory the
// process may take.
package heap

import (
	"math"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Tune sets the memory limit from that of the container, and keeps the collector from
// running too often, unless GOMEMLIMIT and GOGC in the environment say otherwise. A
// process calls it once.
func Tune(environ []string) {
	limit(environ, memlimit.FromCgroup)
	if !isSet(environ, "GOGC") {
		keepFloor()
	}
}

// limit sets the limit of the memory that Go takes to nine tenths of what container
// returns: near the limit, Go collects more often instead of being killed. The rest is
// for what Go does not count, such as the pages of the program. What container cannot
// find is no limit, as without a container.
func limit(environ []string, container func() (uint64, error)) {
	if isSet(environ, "GOMEMLIMIT") {
		return
	}
	if bytes, err := container(); err == nil && bytes < math.MaxInt64 {
		debug.SetMemoryLimit(int64(bytes / 10 * 9))
	}
}

// isSet reports whether a variable has a value in the environment. Go takes an empty
// one for none.
func isSet(environ []string, name string) bool {
	return slices.ContainsFunc(environ, func(entry string) bool {
		value, found := strings.CutPrefix(entry, name+"=")
		return found && value != ""
	})
}
