package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// output is the stdout of a command that prints a result. It keeps the first error of a
// write: a disk that is full would else leave a script with half of a result, and with
// exit code 0.
type output struct {
	to  io.Writer
	err error // nil: everything was written
}

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
