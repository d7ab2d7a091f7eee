package main

import (
	"bytes"
	"io"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/cmd/wxgate/internal/logqueue"
)

// consoleFormat is the value of WXGATE_LOG_FORMAT for lines for people.
const consoleFormat = "console"

// newLogger returns the one logger of the process. It writes to w in the background;
// flush writes the lines that still wait, and ends it. environ says whether lines for
// people have colours.
func newLogger(c *config.Config, w io.Writer, environ []string) (logger zerolog.Logger, flush func()) {
	// A write to a closed pipe would end the process if the pipe is stdout.
	signal.Ignore(syscall.SIGPIPE)
	if c.LogFormat == consoleFormat {
		w = eachLine{newConsole(w, environ)}
	}
	queue := logqueue.New(w)
	return zerolog.New(queue).Level(c.LogLevel).With().Timestamp().Logger(), queue.Close
}

// eachLine passes lines one by one to a writer that takes one event at a time.
type eachLine struct{ io.Writer }

// Write implements [io.Writer].
func (e eachLine) Write(lines []byte) (n int, err error) {
	for line := range bytes.Lines(lines) {
		if _, err := e.Writer.Write(line); err != nil {
			return n, err
		}
		n += len(line)
	}
	return n, nil
}
