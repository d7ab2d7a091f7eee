package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// output is the stdout of a command that prints a result. It keeps the first error of a
// write: a disk that is full would else leave a script with half of a result, and with
// exit code 0.
type output struct {
	to  io.Writer
	err error // nil: everything was written
}

// newOutput returns the output of the command that args name. A command that only prints
// must not succeed without a stdout; of others the exit code is a result too.
func newOutput(to io.Writer, args []string) *output {
	if stdout, ok := to.(*os.File); ok && onlyPrints(args) && isClosed(stdout) {
		return &output{to: noOutput{}}
	}
	return &output{to: to}
}

// onlyPrints reports whether the command that args name does nothing but print.
func onlyPrints(args []string) bool {
	if slices.Contains(args, "--help") || slices.Contains(args, "-h") {
		return true
	}
	acts := []string{"serve", "demo", "emulator", "check", "healthcheck", "revoke"}
	return len(args) > 0 && !slices.Contains(acts, args[0])
}

// noOutput is the stdout of a process that has none.
type noOutput struct{}

// Write implements [io.Writer].
func (noOutput) Write([]byte) (int, error) { return 0, errors.New("stdout is closed") }

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if err == nil {
		return n, nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // the path is that of stdout
	}
	err = fmt.Errorf("the output could not be written: %w", err)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// errorOf returns the error of a command whose own error is err: that of its output if
// nothing else is wrong that is not printed yet.
func (o *output) errorOf(err error) error {
	if o.err != nil && (err == nil || errors.Is(err, errReported)) {
		return o.err
	}
	return err
}
