package access_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/access"
)

// newLog returns a log of the listener "test", and where its lines go.
func newLog(t *testing.T, lines bool, registry prometheus.Registerer) (*access.Log, *bytes.Buffer) {
	t.Helper()
	buffer := new(bytes.Buffer)
	logs, err := access.New(access.Config{
		Listener: "test", Requests: "Requests.", Duration: "Durations.",
		Usual:  map[string][]int{"own": {200, 404}, "error": nil},
		Logger: zerolog.New(buffer), Lines: lines, Metrics: registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	return logs.Of(""), buffer
}

// visit is a request with a query, which no access line shows.
func visit(ctx context.Context) *http.Request {
	return httptest.NewRequestWithContext(ctx, "POST", "http://h5.example.com/a%20b?code=planted", nil)
}

func TestLogLines(t *testing.T) {
	t.Parallel()
	left, leave := context.WithCancel(t.Context())
	leave()
	tests := []struct {
		name   string
		ctx    context.Context
		status int // recorded; 0: the handler wrote nothing
		user   string
		want   string // the end of the line
	}{
		{"visitor", t.Context(), 404, "5f1d", `"status":404,"bytes":4,"duration_ms":1.5,"outcome":"own","user":"5f1d"`},
		{"nobody", t.Context(), 404, "", `"status":404,"bytes":4,"duration_ms":1.5,"outcome":"own"`},
		{"nothing written", t.Context(), 0, "", `"status":200,"bytes":4,"duration_ms":1.5,"outcome":"own"`},
		{"client left", left, 0, "", `"status":499,"bytes":4,"duration_ms":1.5,"outcome":"own"`},
		{"client left after the header", left, 404, "", `"status":404,"bytes":4,"duration_ms":1.5,"outcome":"own"`},
	}
	for _, tt := range tests {
		log, buffer := newLog(t, true, nil)
		w := &access.Recorder{Status: tt.status, Bytes: 4, Outcome: "own"}
		log.Record(visit(tt.ctx), w, access.Entry{
			RequestID: "id1", ClientIP: "203.0.113.7", User: tt.user, Elapsed: 1500 * time.Microsecond,
		})
		want := `{"level":"info","request_id":"id1","client_ip":"203.0.113.7",` +
			`"method":"POST","host":"h5.example.com","path":"/a b",` + tt.want + `,"message":"request"}` + "\n"
		if got := buffer.String(); got != want {
			t.Errorf("%s: line\n%swant\n%s", tt.name, got, want)
		}
	}
}

// A client's texts are cut before they are logged.
func TestLogLinesAreShort(t *testing.T) {
	t.Parallel()
	log, buffer := newLog(t, true, nil)
	r := visit(t.Context())
	r.Method, r.Host, r.URL.Path = strings.Repeat("m", 5000), strings.Repeat("h", 5000), strings.Repeat("p", 5000)
	log.Record(r, &access.Recorder{}, access.Entry{})
	for _, letter := range []string{"m", "h", "p"} {
		want := `:"` + strings.Repeat(letter, 1024) + `"`
		if !strings.Contains(buffer.String(), want) {
			t.Errorf("line of %d bytes, want a field with 1,024 times %s", buffer.Len(), letter)
		}
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 1023, 1024, 1025} {
		if got := access.Short(strings.Repeat("x", n)); len(got) != min(n, 1024) {
			t.Errorf("Short of %d bytes has %d", n, len(got))
		}
	}
}

func TestLogCounts(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	log, buffer := newLog(t, false, registry)
	for _, status := range []int{200, 200, 403, 0} {
		w := &access.Recorder{Status: status, Outcome: "own"}
		log.Record(visit(t.Context()), w, access.Entry{Elapsed: 2 * time.Second})
	}
	log.Record(visit(t.Context()), &access.Recorder{Status: 502, Outcome: "error"}, access.Entry{})

	w := httptest.NewRecorder()
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	metrics.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	for _, want := range []string{
		"# HELP wxgate_test_requests_total Requests.",
		`wxgate_test_requests_total{code="200",outcome="own"} 3`,
		`wxgate_test_requests_total{code="403",outcome="own"} 1`,
		`wxgate_test_requests_total{code="502",outcome="error"} 1`,
		"# HELP wxgate_test_request_duration_seconds Durations.",
		`wxgate_test_request_duration_seconds_sum{outcome="own"} 8`,
		`wxgate_test_request_duration_seconds_count{outcome="own"} 4`,
		`wxgate_test_request_duration_seconds_count{outcome="error"} 1`,
	} {
		if !strings.Contains("\n"+w.Body.String(), "\n"+want+"\n") {
			t.Errorf("metrics\n%swant %s", w.Body, want)
		}
	}
	if buffer.Len() > 0 {
		t.Errorf("Lines is not set, but the log has %s", buffer)
	}
}

func TestNewRefusesTakenNames(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	newLog(t, true, registry)
	_, err := access.New(access.Config{Listener: "test", Requests: "Requests.", Duration: "Durations.", Metrics: registry})
	if _, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); !ok {
		t.Errorf("New with the same names = %v, want AlreadyRegisteredError", err)
	}
}
