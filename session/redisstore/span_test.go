package redisstore_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// recorded returns the context of a span, and a function that returns the spans that have
// been added to it: name, attributes and status, without order.
func recorded(t *testing.T) (context.Context, func() []string) {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	ctx, parent := provider.Tracer("").Start(t.Context(), "request")
	return ctx, func() (list []string) {
		for _, span := range spans.Ended() {
			if span.Parent().SpanID() != parent.SpanContext().SpanID() {
				t.Errorf("span %q is not a child of the request's", span.Name())
			}
			var text strings.Builder
			text.WriteString(span.Name())
			for _, a := range span.Attributes() {
				text.WriteString(" " + string(a.Key) + "=" + a.Value.String())
			}
			list = append(list, strings.TrimSpace(text.String()+" "+span.Status().Description))
		}
		slices.Sort(list)
		return list
	}
}

// Each command that a request waits for is a span of the request's trace, if it has one.
func TestSpans(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := connected(t, server.URL())
	store := sessions(t, client, config('a'), time.Minute)
	cookie, old := login(t, store), login(t, store)
	const attributes = " db.system.name=redis db.operation.name="
	span := func(command string) string { return command + attributes + command }
	for _, tt := range []struct {
		name string
		do   func(r *http.Request) error
		want []string
	}{
		{"load", func(r *http.Request) error { _, err := store.Load(r); return err }, []string{span("GET")}},
		{"no cookie", func(r *http.Request) error {
			r.Header.Del("Cookie")
			if _, err := store.Load(r); !errors.Is(err, session.ErrNone) {
				return errors.New("a session without a cookie")
			}
			return nil
		}, nil},
		{"renew", func(r *http.Request) error { return store.Renew(r, make(http.Header), due(t, store, cookie)) }, []string{span("EVALSHA")}},
		{"save", func(r *http.Request) error {
			return store.Save(request().WithContext(r.Context()), make(http.Header), visitor())
		}, []string{span("SET")}},
		{"delete", func(r *http.Request) error { return store.Delete(r, make(http.Header)) }, []string{span("DEL")}},
		{"deleted by another replica", func(r *http.Request) error {
			server.Flush(t)
			r.Header.Set("Cookie", old)
			fresh := sessions(t, connected(t, server.URL()), config('a'), 0)
			if _, err := fresh.Load(r); !errors.Is(err, session.ErrNone) {
				return err
			}
			return nil
		}, []string{span("GET")}},
		{"exchange", func(r *http.Request) error {
			_, err := client.Exchanges(config('a'), time.Minute).Once(r.Context(), "state", func(context.Context) ([]byte, error) {
				return []byte("session"), nil
			})
			return err
		}, []string{span("EVALSHA"), span("EVALSHA")}},
		{"lock", func(r *http.Request) error {
			_, unlock, err := client.TryLock(r.Context(), "planted")
			if err == nil {
				unlock()
			}
			return err
		}, []string{span("EVALSHA"), span("EVALSHA")}},
	} {
		ctx, spans := recorded(t)
		if err := tt.do(request(cookie).WithContext(ctx)); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if got := spans(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: spans %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A span of a command that fails has the kind of failure and not its text.
func TestFailedSpans(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true, Users: map[string]string{
		"reader": "on >planted ~wxgate:* &* +@all -set -evalsha -eval",
	}})
	store := sessions(t, connected(t, server.URLOf("reader", "planted")), config('a'), 0)
	ctx, spans := recorded(t)
	if err := store.Save(request().WithContext(ctx), make(http.Header), visitor()); err == nil {
		t.Fatal("Save by a user who may not write: no error")
	}
	if want := []string{"SET db.system.name=redis db.operation.name=SET error.type=refused refused"}; !slices.Equal(spans(), want) {
		t.Errorf("spans %q, want %q", spans(), want)
	}

	writer := sessions(t, connected(t, server.URL()), config('a'), 0)
	cookie := login(t, writer)
	server.Pause()
	ctx, spans = recorded(t)
	_, err := writer.Load(request(cookie).WithContext(ctx))
	server.Resume()
	if err == nil {
		t.Fatal("Load of a server that does not answer: no error")
	}
	if want := []string{"GET db.system.name=redis db.operation.name=GET error.type=timeout timeout"}; !slices.Equal(spans(), want) {
		t.Errorf("spans %q, want %q", spans(), want)
	}
}
