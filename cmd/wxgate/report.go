package main

import (
	"fmt"
	"io"
)

// A report prints a line for each check.
type report struct {
	w       io.Writer
	subject string // begins each line if there are several sites or accounts
	failed  bool
}

// about sets the subject of the next lines, unless it is the only one.
func (r *report) about(subject string, only bool) {
	r.subject = ""
	if !only {
		r.subject = subject + ": "
	}
}

func (r *report) pass(name, detail string) {
	fmt.Fprintf(r.w, "ok    %s%s: %s\n", r.subject, name, detail)
}

func (r *report) note(name, detail string) {
	fmt.Fprintf(r.w, "note  %s%s: %s\n", r.subject, name, detail)
}

// fail prints a failed check. The hint is what an operator can do about it; it
// may be empty.
func (r *report) fail(name, detail, hint string) {
	r.failed = true
	if hint != "" {
		detail += "; hint: " + hint
	}
	fmt.Fprintf(r.w, "FAIL  %s%s: %s\n", r.subject, name, detail)
}
