package redistest

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2"
)

// A Server is a Redis server of a test. One goroutine may stop, kill, pause or
// resume it while others use it.
type Server struct {
	t       TB
	options Options
	port    int
	process *process             // nil for miniredis
	mini    *miniredis.Miniredis // nil for redis-server
}

// Start starts a server, which answers when it returns, and ends it with the test.
func Start(t TB, options ...Options) *Server {
	t.Helper()
	o := prepare(t, options)
	path := program(t, o.Real || o.Users != nil || o.Args != nil)
	if path == "" {
		return startMini(t, o)
	}
	s := launch(t, path, o, o.Args, o.data()...)
	s.await(t)
	return s
}

// launch starts redis-server without waiting until it answers. The lines go into
// its configuration file, which the server rewrites when its role changes.
func launch(t TB, path string, o Options, args []string, lines ...string) *Server {
	t.Helper()
	dir := t.TempDir()
	s := &Server{t: t, options: o, port: claim(t)}
	file := filepath.Join(dir, "redis.conf")
	lines = slices.Concat(s.connections(t), lines, []string{"dir " + strconv.Quote(dir), ""})
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	s.process = &process{path: path, args: append([]string{file}, args...), log: filepath.Join(dir, "redis.log")}
	s.begin(t)
	t.Cleanup(func() {
		s.process.kill()
		if t.Failed() {
			t.Logf("redis-server on %s:\n%s", s.Addr(), s.process.tail())
		}
	})
	return s
}

func (s *Server) begin(t TB) {
	t.Helper()
	if err := s.process.start(); err != nil {
		t.Fatalf("start redis-server: %v", err)
	}
}

func (s *Server) await(t TB) {
	t.Helper()
	if err := s.process.await(s.ping); err != nil {
		t.Fatalf("redis-server on %s: %v", s.Addr(), err)
	}
}

// Real reports whether the server is redis-server, not miniredis.
func (s *Server) Real() bool { return s.mini == nil }

// Addr returns the server's host and port.
func (s *Server) Addr() string { return loopback(s.port) }

// URL returns the server's address for WXGATE_REDIS_URL, with the default user's
// password.
func (s *Server) URL() string { return s.URLOf("", s.options.Password) }

// URLOf is [Server.URL] with the name and password of another ACL user.
func (s *Server) URLOf(user, password string) string {
	return s.options.address("", s.Addr(), user, password).JoinPath("0").String()
}

// CAFile returns the PEM file of the CA of the server's certificate; "" without
// TLS.
func (s *Server) CAFile() string { return s.options.caFile() }

// Stop ends the server in order (SIGTERM). It returns when the server has ended.
func (s *Server) Stop() {
	s.t.Helper()
	if s.mini != nil {
		s.mini.Close()
		return
	}
	if err := s.process.stop(); err != nil {
		s.t.Fatalf("stop redis-server on %s: %v", s.Addr(), err)
	}
}

// Kill ends the server at once (SIGKILL). It returns when the server has ended.
func (s *Server) Kill() {
	if s.mini != nil {
		s.mini.Close()
		return
	}
	s.process.kill()
}

// Pause suspends the server (SIGSTOP): it accepts connections and does not answer.
// It skips the test on miniredis, which cannot be suspended.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal("STOP")
}

// Resume continues a suspended server (SIGCONT).
func (s *Server) Resume() {
	s.t.Helper()
	s.signal("CONT")
}

func (s *Server) signal(name string) {
	s.t.Helper()
	if s.mini != nil {
		s.t.Skipf("miniredis cannot be suspended")
	}
	if err := s.process.signal(name); err != nil {
		s.t.Fatalf("redis-server on %s: %v", s.Addr(), err)
	}
}

// Restart starts the server again on the same port, after stopping one that runs.
// The data is lost without [Options.Persist].
func (s *Server) Restart(t TB) {
	t.Helper()
	s.Stop()
	if s.mini != nil {
		s.restartMini(t)
		return
	}
	s.begin(t)
	s.await(t)
}
