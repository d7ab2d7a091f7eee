// Command wxgate puts WeChat sign-in in front of a web app: it signs visitors in
// and forwards their requests with the openid in a header. Environment variables
// configure it; `wxgate env` lists them, and `wxgate help` the commands.
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

// takeEnviron returns the environment and removes wxgate's own variables and those of
// OpenTelemetry from that of the process. No library can then read the secrets in them,
// or understand them otherwise than wxgate does, and the parser, which copies the
// process's environment for each site, has less to copy.
func takeEnviron() []string {
	environ := os.Environ()
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "WXGATE_") || strings.HasPrefix(name, "OTEL_") {
			os.Unsetenv(name)
		}
	}
	return environ
}

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the command failed
	exitUsage  = 2 // arguments or configuration are wrong; the command did not start
)

// A command is the first argument of wxgate.
type command struct {
	name    string
	usage   string // its arguments
	summary string
	run     func(*invocation) error
}

func commands() []command {
	return []command{
		{"serve", "", "run the gateway; also without a command", serve},
		{"demo", "[--listen ADDRESS] [--upstream URL]",
			"run gateway, WeChat emulator and a sample site in one process", demo},
		{"emulator", "[--listen ADDRESS]", "run the WeChat emulator alone", emulator},
		{"check", "", "try the configuration with WeChat, Redis and the upstreams", check},
		{"healthcheck", "", "ask the running process whether it is ready, for images without a shell", healthcheck},
		{"explain", "[METHOD] URL [--as OPENID|nobody] [--user-agent UA] [--header 'Name: value']",
			"say what the gateway would do with a request, and why", explain},
		{"followers", "[--format ndjson|csv] [--after OPENID] [--details]",
			"print the account's followers, one a line", followers},
		{"revoke", "OPENID | --all", "end every session of one visitor, or of everybody", revoke},
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
			return exitCode(c.run(&invocation{args, environ, stdout, stderr}), stderr)
		}
	}
	fmt.Fprintf(stderr, "wxgate: unknown command %q; `wxgate help` lists the commands\n", name)
	return exitUsage
}

// exitCode prints the error of a command and returns the exit code for it.
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

// errReported is the error of a command that has already printed what is wrong.
var errReported = errors.New("reported")

// usageError is a mistake in a command's arguments or configuration.
type usageError struct{ error }

// Unwrap returns the mistake itself.
func (e usageError) Unwrap() error { return e.error }

func help(w io.Writer) {
	fmt.Fprint(w, "wxgate puts WeChat sign-in in front of a web app.\n\nUsage: wxgate [COMMAND]\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(table, "  %s %s\t%s\n", c.name, c.usage, c.summary)
	}
	table.Flush()
	fmt.Fprint(w, "\nEnvironment variables configure wxgate: `wxgate env` lists them.\n")
}
