// Package redistest starts Redis for tests: a redis-server from PATH, alone
// ([Start]), watched by sentinels ([StartSentinel]) or as a cluster
// ([StartCluster]), on free loopback ports. Every server ends with its test.
//
// A machine without redis-server runs the tests that do not need a real one on
// miniredis, and skips the others. With TEST_REQUIRE_ALL=1 each of them fails.
package redistest

import (
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	// patience bounds every wait.
	patience = 20 * time.Second
	// interval is the time between two looks at a server.
	interval = 10 * time.Millisecond
)

// TB is the part of testing.TB that this package uses.
type TB interface {
	Helper()
	Cleanup(func())
	Failed() bool
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Skipf(format string, args ...any)
	TempDir() string
}

// Options are how a server is started. The zero value is a server without TLS,
// password or persistence.
type Options struct {
	// Real requires redis-server: miniredis will not do. TEST_REQUIRE_ALL=1, Users
	// and Args imply it.
	Real bool
	// TLS makes the server accept TLS alone, with a certificate for 127.0.0.1 and
	// localhost of the CA in [Server.CAFile].
	TLS bool
	// Persist keeps the data when the server stops or is killed.
	Persist bool
	// Password is the password of the default user; default none.
	Password string
	// Users are the rules of further ACL users by name, such as
	// "on >secret ~wxgate:* &wxgate:* +@all". The name "default" changes the
	// default user.
	Users map[string]string
	// Args are further arguments of redis-server, such as "--maxmemory", "10mb".
	Args []string
	// Replicas is the number of replicas of [StartSentinel]'s master, at least one,
	// or of each master of [StartCluster], default none. Start ignores it.
	Replicas int
	// SentinelPassword is the password of the sentinels themselves; default none.
	// SentinelUser is the ACL user that has it; default the default user.
	SentinelUser, SentinelPassword string

	authority *authority // signs the servers' certificates
}

// prepare returns the options, with a new CA if they ask for TLS.
func prepare(t TB, options []Options) Options {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	if o.TLS {
		o.authority = newAuthority(t)
	}
	return o
}

// program returns the path of redis-server, or "" if miniredis may stand in for a
// missing one. If nothing may, it skips the test, or fails it if TEST_REQUIRE_ALL
// is 1.
func program(t TB, real bool) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	switch {
	case err == nil:
		return path
	case os.Getenv("TEST_REQUIRE_ALL") == "1":
		t.Fatalf("no redis-server on PATH")
	case real:
		t.Skipf("no redis-server on PATH")
	}
	return ""
}

// address returns the URL of servers for WXGATE_REDIS_URL. An empty user with a
// password is the default user.
func (o Options) address(kind, hosts, user, password string) *url.URL {
	u := &url.URL{Scheme: "redis" + kind, Host: hosts}
	if o.TLS {
		u.Scheme = "rediss" + kind
	}
	if password != "" {
		u.User = url.UserPassword(user, password)
	}
	return u
}

func (o Options) caFile() string {
	if o.authority == nil {
		return ""
	}
	return o.authority.file
}

// addresses returns the servers' hosts and ports as in a URL.
func addresses(servers []*Server) string {
	list := make([]string, len(servers))
	for i, s := range servers {
		list[i] = s.Addr()
	}
	return strings.Join(list, ",")
}

// eventually calls done until it succeeds.
func eventually(t TB, what string, done func() error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(interval) {
		err := done()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, patience, err)
		}
	}
}
