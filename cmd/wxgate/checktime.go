package main

import (
	"context"
	"fmt"
	"time"
)

// checkTimeout limits the time of all checks together.
const checkTimeout = 20 * time.Second

// within returns what call returns, or an error as soon as ctx ends: not every call of a
// library ends with its context. call then goes on until the process ends, and must not
// write to what others read.
func within[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	ended := make(chan result, 1)
	go func() {
		value, err := call()
		ended <- result{value, err}
	}()
	select {
	case r := <-ended:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("no answer in the time that check has: %w", ctx.Err())
	}
}

// isOver reports whether the time of all checks is over, and says so about the check called
// name, which is then not tried.
func isOver(ctx context.Context, report *report, name string) bool {
	if ctx.Err() == nil {
		return false
	}
	report.fail(name, fmt.Sprintf("not tried: the checks before it took %v", checkTimeout),
		"correct first what they say")
	return true
}
