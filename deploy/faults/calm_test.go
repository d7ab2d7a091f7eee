package faults_test

import (
	"testing"
	"time"
)

// Without a fault every request is served: what other rows show is due to theirs.
func TestCalm(t *testing.T) {
	f := newFleet(t, options{gateways: 2, front: nginxService})
	seen := f.during(func() { time.Sleep(time.Second) })
	f.verdict(seen, "200")
}
