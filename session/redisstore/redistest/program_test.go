package redistest_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// A recorder is a TB that keeps how a test ended.
type recorder struct{ message string }

func (*recorder) Helper()                        {}
func (*recorder) Failed() bool                   { return false }
func (*recorder) Logf(string, ...any)            {}
func (*recorder) Cleanup(f func())               {}
func (*recorder) TempDir() string                { return "" }
func (r *recorder) Fatalf(f string, args ...any) { r.end("failed: "+f, args...) }
func (r *recorder) Skipf(f string, args ...any)  { r.end("skipped: "+f, args...) }

func (r *recorder) end(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failure returns how f ends a test, "" if it does not.
func failure(f func(t redistest.TB)) string {
	var r recorder
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(&r)
	}()
	<-done
	return r.message
}

func TestNoRedisServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	const skipped, failed, started = "skipped: no redis-server on PATH", "failed: no redis-server on PATH", ""
	users := map[string]string{"wxgate": "on >secret +@all"}
	tests := []struct {
		name                string
		start               func(t redistest.TB)
		optional, mandatory string
	}{
		{"standalone", start(redistest.Options{}), started, failed},
		{"real", start(redistest.Options{Real: true}), skipped, failed},
		{"users", start(redistest.Options{Users: users}), skipped, failed},
		{"args", start(redistest.Options{Args: []string{"--maxmemory", "10mb"}}), skipped, failed},
		{"sentinels", func(t redistest.TB) { redistest.StartSentinel(t) }, skipped, failed},
		{"cluster", func(t redistest.TB) { redistest.StartCluster(t) }, skipped, failed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TEST_REQUIRE_ALL", "")
			if got := failure(test.start); got != test.optional {
				t.Errorf("got %q, want %q", got, test.optional)
			}
			t.Setenv("TEST_REQUIRE_ALL", "1")
			if got := failure(test.start); got != test.mandatory {
				t.Errorf("with TEST_REQUIRE_ALL=1: got %q, want %q", got, test.mandatory)
			}
		})
	}
}

func start(o redistest.Options) func(t redistest.TB) {
	return func(t redistest.TB) { redistest.Start(t, o) }
}

func TestMiniredis(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("TEST_REQUIRE_ALL", "")
	tests := []struct {
		name    string
		options redistest.Options
		kept    string // the value after a restart
	}{
		{"plain", redistest.Options{}, ""},
		{"password", redistest.Options{Password: "secret"}, ""},
		{"TLS", redistest.Options{TLS: true}, ""},
		{"persistent", redistest.Options{Persist: true, TLS: true}, "v"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := redistest.Start(t, test.options)
			if s.Real() {
				t.Fatal("it is real")
			}
			s.Do(t, "SET", "k", "v")
			s.Kill()
			s.Restart(t)
			if got := s.Do(t, "GET", "k"); got != test.kept {
				t.Errorf("GET = %q after a restart, want %q", got, test.kept)
			}
		})
	}
	s := redistest.Start(t, redistest.Options{Password: "secret"})
	if got := talk(t, s.Addr(), "PING"); !strings.HasPrefix(got, "-NOAUTH") {
		t.Errorf("without the password PING = %s", got)
	}
}
