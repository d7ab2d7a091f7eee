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

// newLogger returns the one logger of the process. It writes to w in the background;
// flush writes the lines that still wait, and ends it.
func newLogger(c *config.Config, w io.Writer) (logger zerolog.Logger, flush func()) {
	// A write to a closed pipe would end the process if the pipe is stdout.
	signal.Ignore(syscall.SIGPIPE)
	if c.LogFormat == "console" {
		w = eachLine{zerolog.ConsoleWriter{Out: w}}
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
