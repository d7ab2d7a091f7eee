// Command wxgate puts WeChat sign-in in front of a web app: it signs visitors in
// and forwards their requests with the openid in a header. Environment variables
// configure it; `wxgate env` lists them, and `wxgate help` the commands.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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

// run runs the command that args name and returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	args = withTwoDashes(args)
	out := &output{to: stdout}
	root := newRoot(&invocation{environ, out, stderr, stdout}, args)
	root.SetArgs(args)
	return exitCode(out.errorOf(root.Execute()), stderr)
}

// exitCode prints the error of a command and returns the exit code for it.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
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
