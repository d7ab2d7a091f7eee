// Command wxgate stands in front of a web app inside WeChat: it signs visitors
// in and forwards their requests with the openid in a header. The environment
// configures it; `wxgate help` lists the commands.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

func main() {
	os.Exit(run(os.Args[1:], takeEnviron(), os.Stdout, os.Stderr))
}

// takeEnviron returns the environment and takes wxgate's own variables out of
// the process's: secrets are in no reach of what might read it later, and the
// parser, which copies it for each site, need not do so with the variables of
// all the others.
func takeEnviron() []string {
	environ := os.Environ()
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "WXGATE_") {
			os.Unsetenv(name)
		}
	}
	return environ
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the command could not do what it is for
	exitUsage  = 2 // bad arguments or configuration; nothing was begun
)

// A call is one run of a command: what it was given, and where it may write.
type call struct {
	args    []string
	environ []string
	stdout  io.Writer
	stderr  io.Writer
}

// A command is one word after wxgate.
type command struct {
	name    string
	usage   string // its arguments
	summary string
	run     func(*call) error
}

func commands() []command {
	return []command{
		{"serve", "", "run the gateway from the environment (also without any command)", serve},
		{"demo", "[--listen ADDRESS] [--upstream URL]", "gateway, WeChat emulator and a sample site in one process", demo},
		{"emulator", "[--listen ADDRESS]", "the WeChat emulator alone", emulator},
		{"check", "", "try the configuration against WeChat and the upstreams", check},
		{"followers", "[--format ndjson|csv] [--after OPENID] [--details]", "print the account's followers, one a line", followers},
		{"keygen", "", "print a new cookie key", keygen},
		{"env", "", "print the table of environment variables as Markdown", printEnv},
		{"version", "", "print version, commit and Go version", printVersion},
	}
}

// run runs the command that args name and returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	name := "serve"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "help", "-h", "-help", "--help":
		help(stdout)
		return exitOK
	case "-version", "--version":
		name = "version"
	}
	for _, c := range commands() {
		if c.name == name {
			return exitCode(c.run(&call{args, environ, stdout, stderr}), stderr)
		}
	}
	fmt.Fprintf(stderr, "wxgate: unknown command %q; `wxgate help` lists the commands\n", name)
	return exitUsage
}

// exitCode says on stderr what went wrong and returns the code to exit with.
func exitCode(err error, stderr io.Writer) int {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if !errors.Is(err, errReported) {
		fmt.Fprintf(stderr, "wxgate: %v\n", err)
	}
	_, faults := errors.AsType[*config.Faults](err)
	_, usage := errors.AsType[usageError](err)
	if faults || usage {
		return exitUsage
	}
	return exitFailed
}

// errReported is the error of a command that has told all there is to tell.
var errReported = errors.New("reported")

// usageError is a mistake in a command's arguments or configuration.
type usageError struct{ error }

// Unwrap returns the mistake itself.
func (e usageError) Unwrap() error { return e.error }

// flags returns the flag set of a command, which the command completes and
// then hands to parse.
func (c *call) flags(name string) *flag.FlagSet {
	set := flag.NewFlagSet("wxgate "+name, flag.ContinueOnError)
	set.SetOutput(c.stderr)
	return set
}

// parse parses the command's arguments, of which none may be left over.
func (c *call) parse(set *flag.FlagSet) error {
	switch err := set.Parse(c.args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil: // the flag set has said so
		return usageError{errReported}
	case set.NArg() > 0:
		return usageError{fmt.Errorf("unexpected argument %q", set.Arg(0))}
	}
	return nil
}

// noArguments refuses arguments to a command that takes none.
func (c *call) noArguments(name string) error {
	return c.parse(c.flags(name))
}

func help(w io.Writer) {
	fmt.Fprint(w, "wxgate puts WeChat sign-in in front of a web app.\n\nUsage: wxgate [COMMAND]\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(table, "  %s %s\t%s\n", c.name, c.usage, c.summary)
	}
	table.Flush()
	fmt.Fprint(w, "\nThe environment configures it: `wxgate env` lists the variables.\n")
}
