package gateway

import "runtime/debug"

const (
	minOpenedBytes = 1 << 20
	maxOpenedBytes = 64 << 20
)

// openedCookieBytes returns how much memory the opened session cookies of all sites
// may take: a sixteenth of the memory limit of the process (GOMEMLIMIT), but 1 MiB
// at least and 64 MiB, some 50,000 visitors, at most.
func openedCookieBytes() uint64 {
	limit := debug.SetMemoryLimit(-1) // a negative limit only asks
	return uint64(min(max(limit/16, minOpenedBytes), maxOpenedBytes))
}
