package main

import (
	"strings"

	"github.com/rs/zerolog"
)

// serverLog writes the error log of net/http's servers at level debug: clients
// that break TLS or HTTP cause most of its lines. A panic outside of a handler is
// at level error.
type serverLog struct{ logger zerolog.Logger }

// Write implements [io.Writer].
func (l serverLog) Write(line []byte) (int, error) {
	text := string(line)
	if stack, ok := panicStack(text); ok {
		l.logger.Error().Str("stack", stack).Msg("panic")
	} else {
		l.logger.Debug().Str("detail", unquoted(text)).Msg("http server")
	}
	return len(line), nil
}

// panicStack returns where in the source a panic happened that text tells of. The
// value of the panic and the arguments of functions are not in it: both may
// contain what must not be logged.
func panicStack(text string) (string, bool) {
	if !strings.HasPrefix(text, "http: panic serving ") && !strings.HasPrefix(text, "http2: panic serving ") {
		return "", false
	}
	var places strings.Builder
	_, stack, _ := strings.Cut(text, "\ngoroutine ")
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "\t") {
			places.WriteString(line)
		}
	}
	return places.String()[:min(places.Len(), maxLibraryText)], true
}
