package redistest

import (
	"fmt"
	"strconv"
	"strings"
)

// ballast is the number of keys that RestartLoading adds: at 10 ms a key, loading
// them takes a minute.
const ballast = 6000

// RestartLoading restarts the server with its data, as [Server.Restart] does, but
// returns while it still loads them and answers LOADING. Loaded makes it load the
// rest at once and waits for it. RestartLoading needs a real redis-server with
// [Options.Persist], and uses database 15.
func (s *Server) RestartLoading(t TB) (loaded func()) {
	t.Helper()
	if !s.options.Persist || !s.Real() {
		t.Fatalf("RestartLoading needs redis-server with Options.Persist")
	}
	s.fill(t)
	s.Stop()
	args := s.process.args
	s.process.args = append(args[:len(args):len(args)],
		"--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024")
	s.begin(t)
	s.process.args = args
	if err := s.process.await(s.loading); err != nil {
		t.Fatalf("redis-server on %s: %v", s.Addr(), err)
	}
	return func() {
		t.Helper()
		s.Do(t, "CONFIG", "SET", "key-load-delay", "0")
		s.await(t)
		s.Do(t, "EVAL", "redis.call('SELECT', 15) return redis.call('FLUSHDB')", "0")
	}
}

// fill writes keys to database 15 and makes the append-only file a snapshot. While
// it loads one, the server answers after each KiB, which the keys have if they are
// not compressed.
func (s *Server) fill(t TB) {
	t.Helper()
	s.Do(t, "EVAL", "redis.call('SELECT', 15) for i = 1, "+strconv.Itoa(ballast)+
		" do redis.call('SET', i, string.rep('.', 1000)) end", "0")
	s.Do(t, "BGREWRITEAOF")
	eventually(t, "write the snapshot", func() error {
		info, err := s.run(patience, "INFO", "persistence")
		if err == nil && (!strings.Contains(info, "aof_rewrite_in_progress:0") ||
			!strings.Contains(info, "aof_rewrite_scheduled:0")) {
			err = fmt.Errorf("%s", info)
		}
		return err
	})
}

// loading reports whether the server answers LOADING.
func (s *Server) loading() error {
	err := s.ping()
	if err != nil && strings.HasPrefix(err.Error(), "LOADING") {
		return nil
	}
	return fmt.Errorf("PING: %w", err)
}
