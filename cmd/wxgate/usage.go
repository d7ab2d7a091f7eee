package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noArguments refuses all arguments that are not flags.
func noArguments(cmd *cobra.Command, args []string) error {
	return atMost(0, cmd, args)
}

// atMost refuses the arguments after the first n.
func atMost(n int, cmd *cobra.Command, args []string) error {
	if len(args) <= n {
		return nil
	}
	return usageError{fmt.Errorf("unexpected argument %s; expected: %s", shown(args[n]), usageOf(cmd))}
}

// isUnknown reports whether args begin with what should be a command and is none.
func isUnknown(root *cobra.Command, args []string) bool {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return false
	}
	internal := args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd
	return !internal && args[0] != "help" && commandCalled(root, args[0]) == nil
}

func unknownCommand(root *cobra.Command, name string) error {
	names := []string{"help"}
	for _, c := range root.Commands() {
		names = append(names, c.Name())
	}
	return usageError{fmt.Errorf("unknown command %s:%s `wxgate help` lists all", shown(name), isNearest(name, names))}
}

// flagError returns what is wrong with a flag of a command, and what would be right.
// args are the arguments of the process.
func flagError(cmd *cobra.Command, args []string, err error) error {
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		flag := missing.GetFlag()
		value, _ := pflag.UnquoteUsage(flag)
		return usageError{fmt.Errorf("--%s needs a value; expected: --%[1]s %s", flag.Name, value)}
	}
	if wrong, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag, value := wrong.GetFlag(), shown(wrong.GetValue())
		if flag.Value.Type() == "bool" {
			return usageError{fmt.Errorf("--%s=%s: expected true or false, or the flag alone", flag.Name, value)}
		}
		return usageError{fmt.Errorf("--%s %s: %w", flag.Name, value, wrong.Unwrap())}
	}
	return unknownFlag(cmd, unknownIn(args, err))
}

// unknownIn returns the flag that an error of package pflag is about, as args have it.
func unknownIn(args []string, err error) string {
	given := ""
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		given = "--" + unknown.GetSpecifiedName()
		letters := unknown.GetSpecifiedShortnames() // those before may be other flags
		oneDash := func(arg string) bool {
			return strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.HasSuffix(arg, letters)
		}
		if i := slices.IndexFunc(args, oneDash); letters != "" && i >= 0 {
			given, _, _ = strings.Cut(args[i], "=")
		}
	}
	if malformed, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		given = malformed.GetSpecifiedFlag()
	}
	return given
}

func unknownFlag(cmd *cobra.Command, given string) error {
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, "--"+flag.Name) })
	similar := "--" + strings.TrimLeft(given, "-")
	return usageError{fmt.Errorf("unknown flag %s:%s see `%s --help`",
		shown(given), isNearest(similar, names), cmd.CommandPath())}
}

// isNearest says which of the names is most similar to name; nothing if none is similar.
func isNearest(name string, names []string) string {
	if best := nearest(name, names); best != "" {
		return " the nearest is " + best + ";"
	}
	return ""
}

// nearest returns the name that begins with name, or else the most similar one; "" if
// more than half of each would have to change.
func nearest(name string, names []string) string {
	name = strings.ToLower(name[:min(len(name), mostShown)])
	bare := func(name string) string { return strings.TrimLeft(name, "-") }
	for _, known := range names {
		if bare(name) != "" && strings.HasPrefix(bare(known), bare(name)) {
			return known
		}
	}
	best, least := "", 0
	for _, known := range names {
		distance := levenshtein.ComputeDistance(bare(name), bare(known))
		similar := 2*distance <= max(len(bare(name)), len(bare(known)))
		if similar && (best == "" || distance < least) {
			best, least = known, distance
		}
	}
	return best
}

// mostShown is the longest argument that an error shows whole, in bytes.
const mostShown = 80

// shown returns an argument for an error: in quotes, without control characters, and
// not longer than a line.
func shown(argument string) string {
	if len(argument) <= mostShown {
		return strconv.Quote(argument)
	}
	return strconv.Quote(strings.ToValidUTF8(argument[:mostShown], "")) + "…"
}
