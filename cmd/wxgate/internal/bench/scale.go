package main

import "time"

// A scale is how much is measured.
type scale struct {
	rounds     int // of modes that take seconds a round
	slowRounds int // of modes that take minutes a round

	requests    int // in a measurement
	warm        int // requests before it
	connections int
	settle      time.Duration // until memory is read

	connectionCounts []int
	webSockets       int
	streamBytes      int64
	sessionsInRedis  int

	sites    []int
	allowed  []int // lines of the allow list
	sessions []int // that were seen before
	headers  []int // bytes of further request headers
}

func fullScale() scale {
	return scale{
		rounds: 8, slowRounds: 3,
		requests: 20_000, warm: 2_000, connections: 64, settle: 2 * time.Second,
		connectionCounts: []int{1, 64, 1024},
		webSockets:       1000,
		streamBytes:      1 << 30,
		sessionsInRedis:  2000,
		sites:            []int{1, 10, 100, 1000},
		allowed:          []int{0, 1000, 1_000_000},
		sessions:         []int{1, 1000, 100_000, 1_000_000},
		headers:          []int{0, 1 << 10, 4 << 10, 16 << 10},
	}
}

// shortScale is for finding errors.
func shortScale() scale {
	return scale{
		rounds: 1, slowRounds: 1,
		requests: 16, warm: 4, connections: 4, settle: time.Millisecond,
		connectionCounts: []int{1, 4},
		webSockets:       2,
		streamBytes:      1 << 20,
		sessionsInRedis:  3,
		sites:            []int{1, 3},
		allowed:          []int{0, 10},
		sessions:         []int{1, 10},
		headers:          []int{0, 1 << 10},
	}
}
