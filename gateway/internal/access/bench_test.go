package access_test

import (
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// BenchmarkRecord counts a request with a usual status, without an access line.
func BenchmarkRecord(b *testing.B) {
	logs, err := access.New(access.Config{Listener: "test", Usual: map[string][]int{"own": {200}}})
	if err != nil {
		b.Fatal(err)
	}
	log, r := logs.Of(""), visit(b.Context())
	w, entry := &access.Recorder{Status: 200, Outcome: "own"}, access.Entry{Elapsed: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		log.Record(r, w, entry)
	}
}
