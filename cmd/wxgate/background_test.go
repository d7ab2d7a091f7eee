package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

// A panic of a background task is one line at level error, without its value, and the
// other tasks go on.
func TestPanicInTheBackground(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	logger := zerolog.New(zerolog.SyncWriter(&log))
	goesOn := make(chan struct{})
	tasks := startBackground([]*server{{background: []func(context.Context){
		func(context.Context) { panic("planted secret") },
		func(ctx context.Context) {
			<-ctx.Done()
			close(goesOn)
		},
	}}}, logger)
	tasks.end(logger)
	<-goesOn
	var line map[string]any
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
		t.Fatalf("log %q: %v, want one line", log.String(), err)
	}
	stack, _ := line["stack"].(string)
	if line["level"] != "error" || line["message"] != "panic" || !strings.Contains(stack, "TestPanicInTheBackground") {
		t.Errorf("line %v, want the panic and its place at level error", line)
	}
	if strings.Contains(log.String(), "planted") {
		t.Errorf("log %s shows the value of the panic", log.String())
	}
}
