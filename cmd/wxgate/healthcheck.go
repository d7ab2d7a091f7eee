package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// healthcheckTimeout limits the time of the whole request.
const healthcheckTimeout = 5 * time.Second

// newHealthcheck returns the command healthcheck.
func newHealthcheck(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck",
		Short: "ask the running process whether it is ready, for images without a shell",
		Long: `Asks the wxgate that runs in the same container or on the same machine whether it is
ready: GET /readyz at the address in WXGATE_ADMIN_LISTEN (default :9090), at the loopback
address if that has no host of its own. It prints the answer in one line. An answer that
is not wxgate's is a failure. No other variable is read. It is for health checks of images
without a shell.`,
		Example: `HEALTHCHECK CMD ["/wxgate", "healthcheck"]`,
		Annotations: exits(`0 ready; 1 not ready, no answer of wxgate within five seconds, WXGATE_ADMIN_LISTEN is
empty or wrong, or the line could not be written; 2 the arguments are wrong`),
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return healthcheck(inv) },
	}
}

// healthcheck asks the running process whether it is ready.
func healthcheck(inv *invocation) error {
	address, err := readyAddress(inv.environ)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthcheckTimeout)
	defer cancel()
	ready, said, err := askReady(ctx, address)
	if err != nil {
		return fmt.Errorf("healthcheck: %w", withAddress(err, address))
	}
	if _, err := fmt.Fprintln(inv.stdout, said); err != nil {
		return err
	}
	if !ready {
		return errReported
	}
	return nil
}

// withAddress returns an error of a request to an address that names it, and the time that
// was waited if that was too short.
func withAddress(err error, address string) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("http://%s/readyz: no answer within %v", address, healthcheckTimeout)
	case !strings.Contains(err.Error(), address):
		return fmt.Errorf("http://%s/readyz: %w", address, err)
	default:
		return err
	}
}

// readyAddress returns the address of the admin listener that the environment
// describes.
func readyAddress(environ []string) (string, error) {
	listen, err := config.AdminListen(environ)
	if err != nil {
		return "", err
	}
	if listen == "" {
		return "", errors.New("WXGATE_ADMIN_LISTEN is empty, so there is no /readyz to ask; set it for the process too")
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", err
	}
	if port == "0" {
		return "", errors.New("WXGATE_ADMIN_LISTEN has port 0, which differs at each start; expected a fixed port")
	}
	return atLoopback(host, port), nil
}

// askReady asks /readyz at an address, and returns what it said in one line.
func askReady(ctx context.Context, address string) (ready bool, said string, err error) {
	res, err := getHere(ctx, "http://"+address+"/readyz")
	if isMalformed(err) {
		return false, "", notOurs("no HTTP")
	}
	if err != nil {
		return false, "", err
	}
	defer res.Body.Close()
	const most = 4 << 10
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return false, "", err
	}
	first, _, _ := strings.Cut(string(body), "\n")
	if !slices.Contains(readyWords[res.StatusCode], first) {
		return false, "", notOurs(oneLine(res.Status))
	}
	return res.StatusCode == http.StatusOK, oneLine(string(body)), nil
}

// readyWords are the first lines of wxgate's answers for /readyz, by their status.
var readyWords = map[int][]string{
	http.StatusOK:                 {"ready"},
	http.StatusServiceUnavailable: {"not ready", "draining"},
}

// notOurs is the error of an answer that wxgate's /readyz does not give.
func notOurs(answer string) error {
	return fmt.Errorf("something other than wxgate answers there (%s); end it, or correct WXGATE_ADMIN_LISTEN", answer)
}

// oneLine returns the lines of text as one, without what a terminal would act on.
func oneLine(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, text)
}
