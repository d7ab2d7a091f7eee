package redistest

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// masterName is the name under which sentinels know the master.
const masterName = "wxgate"

// Sentinels are three sentinels that watch a master and its replicas.
type Sentinels struct {
	t         TB
	options   Options
	servers   []*Server // the first was the master at the start
	sentinels []*Server
}

// StartSentinel starts a master, its replicas and three sentinels, which fail over
// a second or two after the master stops answering. They know each other and the
// replicas when it returns. They need a real redis-server.
func StartSentinel(t TB, options ...Options) *Sentinels {
	t.Helper()
	s := &Sentinels{t: t, options: prepare(t, options)}
	path := program(t, true)
	o := s.options
	s.servers = []*Server{launch(t, path, o, o.Args, o.data()...)}
	master := strconv.Itoa(s.servers[0].port)
	for range max(1, o.Replicas) {
		lines := append(o.data(), "replicaof 127.0.0.1 "+master)
		s.servers = append(s.servers, launch(t, path, o, o.Args, lines...))
	}
	for _, server := range s.servers {
		server.await(t)
	}
	for _, replica := range s.servers[1:] {
		eventually(t, "replicate", replica.linked)
	}
	// Three that want to lead the failover could each have one vote, and would wait
	// before they vote again. So one takes longer to find the master down.
	for _, after := range []string{"1000", "1000", "2000"} {
		lines := monitor(master, after)
		s.sentinels = append(s.sentinels, launch(t, path, o.ofSentinels(), []string{"--sentinel"}, lines...))
	}
	for _, sentinel := range s.sentinels {
		sentinel.await(t)
		sentinel.hurry()
	}
	eventually(t, "watch the master", func() error { return s.settled(len(s.servers) - 1) })
	return s
}

// ofSentinels returns the options with the sentinels' password and users.
func (o Options) ofSentinels() Options {
	o.Password, o.Users = o.SentinelPassword, nil
	if o.SentinelUser != "" {
		o.Password = ""
		o.Users = map[string]string{o.SentinelUser: "on >" + o.SentinelPassword + " ~* &* +@all", "default": "off"}
	}
	return o
}

// monitor returns the lines of a sentinel's configuration file about the master,
// which is down after so many milliseconds without an answer.
func monitor(port, after string) []string {
	return []string{
		"sentinel monitor " + masterName + " 127.0.0.1 " + port + " 2",
		"sentinel down-after-milliseconds " + masterName + " " + after,
		"sentinel failover-timeout " + masterName + " 2000",
		"sentinel auth-user " + masterName + " " + admin,
		"sentinel auth-pass " + masterName + " " + adminPassword,
		"sentinel sentinel-user " + admin,
		"sentinel sentinel-pass " + adminPassword,
	}
}

// hurry shortens the periods of a sentinel that are not configurable. A sentinel
// older than 7.0 keeps them and is slower.
func (s *Server) hurry() {
	// A replica whose last PING is five periods old is not promoted.
	s.run(patience, "SENTINEL", "DEBUG", "ping-period", "500", "info-period", "100", "ask-period", "100",
		"publish-period", "100", "min-link-reconnect-period", "1000", "tilt-period", "1000")
}

// linked reports whether a replica has its master's data.
func (s *Server) linked() error {
	info, err := s.run(patience, "INFO", "replication")
	if err == nil && !strings.Contains(info, "master_link_status:up") {
		err = errors.New(info)
	}
	return err
}

// settled reports whether every sentinel that runs could fail over to so many
// replicas.
func (s *Sentinels) settled(replicas int) error {
	running := s.running()
	for _, sentinel := range running {
		var answers [3]string
		for i, command := range []string{"CKQUORUM", "REPLICAS", "SENTINELS"} {
			var err error
			if answers[i], err = sentinel.run(patience, "SENTINEL", command, masterName); err != nil {
				return err
			}
		}
		// A flag more, such as s_down, makes another line.
		up := strings.Count(answers[1], "\nflags\nslave\n")
		ready := min(up, strings.Count(answers[1], "\nmaster-link-status\nok\n"))
		others := strings.Count(answers[2], "\nflags\nsentinel\n")
		if ready < replicas || others < len(running)-1 {
			return fmt.Errorf("sentinel on %s knows %d replicas and %d sentinels", sentinel.Addr(), ready, others)
		}
	}
	return nil
}

func (s *Sentinels) running() []*Server {
	var list []*Server
	for _, sentinel := range s.sentinels {
		if sentinel.process.alive() {
			list = append(list, sentinel)
		}
	}
	return list
}

// URL returns the sentinels' address for WXGATE_REDIS_URL, with the default user's
// password.
func (s *Sentinels) URL() string { return s.URLOf("", s.options.Password) }

// URLOf is [Sentinels.URL] with the name and password of another ACL user.
func (s *Sentinels) URLOf(user, password string) string {
	u := s.options.address("+sentinel", addresses(s.sentinels), user, password).JoinPath("0")
	query := url.Values{"master": {masterName}}
	if s.options.SentinelUser != "" {
		query.Set("sentinel_username", s.options.SentinelUser)
	}
	if s.options.SentinelPassword != "" {
		query.Set("sentinel_password", s.options.SentinelPassword)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// CAFile returns the PEM file of the CA of all certificates; "" without TLS.
func (s *Sentinels) CAFile() string { return s.options.caFile() }

// Sentinels returns the three sentinels.
func (s *Sentinels) Sentinels() []*Server { return s.sentinels }

// Master returns the server that the sentinels call the master.
func (s *Sentinels) Master() *Server {
	s.t.Helper()
	var master *Server
	eventually(s.t, "find the master", func() error {
		var err error
		master, err = s.agreed()
		return err
	})
	return master
}

// Replicas returns all servers but the master, including those that are down.
func (s *Sentinels) Replicas() []*Server {
	s.t.Helper()
	master := s.Master()
	var list []*Server
	for _, server := range s.servers {
		if server != master {
			list = append(list, server)
		}
	}
	return list
}

// Failover kills the master and returns the replica that the sentinels have made
// the new one.
func (s *Sentinels) Failover(t TB) *Server {
	t.Helper()
	eventually(t, "have a replica to fail over to", func() error { return s.settled(1) })
	old := s.Master()
	old.Kill()
	return s.Successor(t, old)
}

// Successor waits until the sentinels have replaced a master that does not answer
// and returns the new one.
func (s *Sentinels) Successor(t TB, old *Server) *Server {
	t.Helper()
	var master *Server
	eventually(t, "fail over", func() error {
		var err error
		master, err = s.agreed()
		if err == nil && master == old {
			err = fmt.Errorf("%s is still the master", old.Addr())
		}
		return err
	})
	return master
}

// agreed returns the server that every sentinel that answers calls the master.
func (s *Sentinels) agreed() (*Server, error) {
	named := ""
	for _, sentinel := range s.running() {
		answer, err := sentinel.run(time.Second, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName)
		if err != nil {
			continue
		}
		address := strings.Replace(answer, "\n", ":", 1)
		if named != "" && named != address {
			return nil, fmt.Errorf("the sentinels name %s and %s", named, address)
		}
		named = address
	}
	for _, server := range s.servers {
		if server.Addr() == named {
			return server, nil
		}
	}
	return nil, fmt.Errorf("the sentinels name %q", named)
}
