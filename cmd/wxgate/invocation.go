package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// An invocation is what one run of a command receives.
type invocation struct {
	args    []string
	environ []string
	stdout  io.Writer
	stderr  io.Writer
}

// flags returns an empty flag set for the command called name. The command adds
// its flags and passes the set to parse.
func (i *invocation) flags(name string) *flag.FlagSet {
	set := flag.NewFlagSet("wxgate "+name, flag.ContinueOnError)
	set.SetOutput(i.stderr)
	return set
}

// parse parses the arguments and refuses those that are not flags.
func (i *invocation) parse(set *flag.FlagSet) error {
	if err := i.parseFlags(set); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", set.Arg(0))}
	}
	return nil
}

// parseFlags parses the flags before the first argument that is none.
func (i *invocation) parseFlags(set *flag.FlagSet) error {
	err := set.Parse(i.args)
	if err != nil && !errors.Is(err, flag.ErrHelp) { // the flag set has printed it
		return usageError{errReported}
	}
	return err
}

// noArguments refuses all arguments, for a command that takes none.
func (i *invocation) noArguments(name string) error {
	return i.parse(i.flags(name))
}
