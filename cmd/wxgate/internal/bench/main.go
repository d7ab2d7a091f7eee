// Command bench measures what wxgate costs: processor time, latency, allocations and
// memory, in comparison with plain reverse proxies, with empty handlers and with any
// other server that the command line names. It runs on Linux. `--help` says how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// run is the command. It returns its exit code: 0, 1 for a failure, 2 for a command line
// that is wrong.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	case runtime.GOOS != "linux":
		fmt.Fprintln(stderr, "bench:", errNotLinux)
		return 1
	}
	b := &bench{options: o, scale: fullScale()}
	if o.short {
		b.scale = shortScale()
	}
	if o.requests > 0 {
		b.scale.requests = o.requests
	}
	if err := b.run(ctx, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}
