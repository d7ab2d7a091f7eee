package main

import (
	"io"
	"log"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"google.golang.org/grpc/grpclog"
)

// logLibraries makes logger the logger of the libraries that otherwise write to
// stderr: of package log, which net/http's clients use, and of gRPC. It must be
// called before anything else of gRPC.
func logLibraries(logger zerolog.Logger) {
	w := newLibraryLog(logger)
	log.SetFlags(0)
	log.SetOutput(w)
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, w))
}

// libraryLog writes what libraries log: one line a minute at level warn, further
// ones at level debug. Upstreams cause most of them, above all by data that no
// request has asked for.
type libraryLog struct{ debug, warn zerolog.Logger }

func newLibraryLog(logger zerolog.Logger) libraryLog {
	return libraryLog{logger, logger.Sample(&zerolog.BurstSampler{Burst: 1, Period: time.Minute})}
}

// Write implements [io.Writer].
func (l libraryLog) Write(line []byte) (int, error) {
	event := l.warn.Warn()
	if event == nil {
		event = l.debug.Debug()
	}
	event.Str("detail", unquoted(string(line))).Msg("library message")
	return len(line), nil
}

// maxLibraryText limits the text of a library in the log.
const maxLibraryText = 4 << 10

// unquoted returns text up to the first quotation mark, without spaces around it.
// After that mark, net/http and gRPC quote what a client or an upstream sent, which
// may contain a cookie, a code or an openid.
func unquoted(text string) string {
	text, _, _ = strings.Cut(text, `"`)
	return strings.TrimSpace(text[:min(len(text), maxLibraryText)])
}
