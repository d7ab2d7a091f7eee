// Command reference runs one of the servers that bench compares wxgate with, or the
// upstream of all of them. It is a program of its own, because the libraries of bench
// would add to the memory and to the start of a server that is measured.
package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"
)

const usage = "usage: reference plain|naive|empty|upstream ADDRESS METRICS-ADDRESS [UPSTREAM-URL]"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until a listener fails.
func run(args []string) error {
	if len(args) < 3 {
		return errors.New(usage)
	}
	handler, err := newHandler(args[0], append(args[3:], "")[0])
	if err != nil {
		return err
	}
	ended := make(chan error)
	for address, handler := range map[string]http.Handler{args[1]: handler, args[2]: http.HandlerFunc(metrics)} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		go func() { ended <- server.Serve(listener) }()
	}
	return <-ended
}

func newHandler(role, upstream string) (http.Handler, error) {
	switch role {
	case "plain":
		return newPlain(upstream)
	case "naive":
		return newNaive(upstream)
	case "empty":
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil
	case "upstream":
		return newUpstream(), nil
	}
	return nil, fmt.Errorf("unknown role %q; %s", role, usage)
}

// metrics writes the number of allocations under the name that Prometheus' collector
// gives it.
func metrics(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "go_memstats_mallocs_total %d\n", m.Mallocs)
}
