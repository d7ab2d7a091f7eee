// Package panics logs panics, each as one line at level error: of HTTP handlers
// by [Handler], of goroutines by [Log].
package panics

import (
	"context"
	"fmt"
	"net/http"
	"path"
	"runtime"
	"strings"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// Handler returns a handler that calls next and logs its panics to logger, with
// method, host and path of the request, and its id if [SetRequestID] was called.
// After a panic it panics with [http.ErrAbortHandler], so that net/http ends the
// connection, or the HTTP/2 stream, without a line of its own. If next panics
// with [http.ErrAbortHandler], nothing is logged.
func Handler(next http.Handler, logger zerolog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var id string
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v != http.ErrAbortHandler {
				line := logger.Error().
					Str("method", access.Short(r.Method)).
					Str("host", access.Short(r.Host)).
					Str("path", access.Short(r.URL.Path))
				if id != "" {
					line = line.Str("request_id", id)
				}
				write(line, v)
			}
			panic(http.ErrAbortHandler)
		}()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, &id)))
	})
}

// requestIDKey is the key of a *string in the context of a request of [Handler].
type requestIDKey struct{}

// SetRequestID sets the id that the line about a panic of the request with ctx
// has. Without [Handler] around the request it does nothing. It must not be called
// concurrently for the same request.
func SetRequestID(ctx context.Context, id string) {
	if to, ok := ctx.Value(requestIDKey{}).(*string); ok {
		*to = id
	}
}

// Log logs the panic value v that recover has returned. Call it in the deferred
// function that calls recover: only there the stack is that of the panic.
func Log(logger zerolog.Logger, v any) { write(logger.Error(), v) }

// write adds the panic value and the stack to line and writes it. Only runtime
// errors, such as an index out of range, are logged with their text: any other
// value may contain what must not be logged, so only its type is.
func write(line *zerolog.Event, v any) {
	text := fmt.Sprintf("%T", v)
	if err, ok := v.(runtime.Error); ok {
		text = err.Error()
	}
	line.Str("panic", access.Short(text)).Str("stack", stack()).Msg("panic")
}

// maxFrames limits the length of a stack in the log. The function that panicked is
// among its first frames.
const maxFrames = 64

// stack returns the functions on the stack, one a line, each with its place in the
// source. Unlike [debug.Stack] it has no arguments, which may be parts of a secret.
func stack() string {
	callers := make([]uintptr, maxFrames)
	frames := runtime.CallersFrames(callers[:runtime.Callers(4, callers)])
	var b strings.Builder
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		fmt.Fprintf(&b, "%s (%s:%d)\n", f.Function, path.Base(f.File), f.Line)
	}
	return b.String()
}
