package redistest_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

func TestStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options redistest.Options
		url     string // with "host" for host and port
	}{
		{"plain", redistest.Options{}, "redis://host/0"},
		{"real", redistest.Options{Real: true}, "redis://host/0"},
		{"TLS", redistest.Options{TLS: true}, "rediss://host/0"},
		{"password", redistest.Options{Password: `se cret"1`}, "redis://:se%20cret%221@host/0"},
		{"users", redistest.Options{TLS: true, Users: map[string]string{
			"default": "off", "wxgate": "on >secret ~wxgate:* &wxgate:* +@all",
		}}, "rediss://host/0"},
		{"args", redistest.Options{Args: []string{"--maxmemory", "10mb"}}, "redis://host/0"},
		{"persistent", redistest.Options{Persist: true}, "redis://host/0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, test.options)
			if got := s.Do(t, "PING"); got != "PONG" {
				t.Errorf("PING = %q, want PONG", got)
			}
			if got := strings.Replace(s.URL(), s.Addr(), "host", 1); got != test.url {
				t.Errorf("URL = %s, want %s", got, test.url)
			}
			if (s.CAFile() != "") != test.options.TLS {
				t.Errorf("CAFile = %q", s.CAFile())
			}
		})
	}
}

func TestURLOf(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	if got, want := s.URLOf("wxgate", "secret"), "redis://wxgate:secret@"+s.Addr()+"/0"; got != want {
		t.Errorf("URLOf = %s, want %s", got, want)
	}
}

func TestDo(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	for _, test := range []struct{ command, want string }{
		{"SET k v", "OK"},
		{"GET k", "v"},
		{"GET missing", ""},
		{"INCR n", "1"},
		{"MGET k missing n", "v\n\n1"},
		{"EVAL return{1,{'a','b'}} 0", "1\na\nb"},
	} {
		if got := s.Do(t, strings.Fields(test.command)...); got != test.want {
			t.Errorf("%s = %q, want %q", test.command, got, test.want)
		}
	}
	s.Flush(t)
	if got := s.Do(t, "DBSIZE"); got != "0" {
		t.Errorf("DBSIZE = %s after Flush, want 0", got)
	}
	if message := failure(func(t redistest.TB) { s.Do(t, "NOSUCH") }); !strings.Contains(message, "unknown command") {
		t.Errorf("Do of an unknown command fails with %q", message)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options redistest.Options
		end     func(s *redistest.Server)
		kept    bool // the data
	}{
		{"stopped", redistest.Options{}, (*redistest.Server).Stop, false},
		{"killed", redistest.Options{}, (*redistest.Server).Kill, false},
		{"stopped, persistent", redistest.Options{Persist: true}, (*redistest.Server).Stop, true},
		{"killed, persistent", redistest.Options{Persist: true}, (*redistest.Server).Kill, true},
		{"stopped while paused", redistest.Options{Real: true}, paused((*redistest.Server).Stop), false},
		{"killed while paused", redistest.Options{Real: true}, paused((*redistest.Server).Kill), false},
		{"stopped twice", redistest.Options{}, func(s *redistest.Server) { s.Stop(); s.Stop() }, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, test.options)
			s.Do(t, "SET", "k", "v")
			test.end(s)
			if _, err := net.Dial("tcp", s.Addr()); err == nil {
				t.Error("it accepts connections")
			}
			s.Restart(t)
			if got := s.Do(t, "GET", "k") == "v"; got != test.kept {
				t.Errorf("has the data is %t, want %t", got, test.kept)
			}
		})
	}
}

func paused(end func(*redistest.Server)) func(*redistest.Server) {
	return func(s *redistest.Server) {
		s.Pause()
		end(s)
	}
}

func TestRestartOfRunning(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	s.Do(t, "SET", "k", "v")
	s.Restart(t)
	if got := s.Do(t, "GET", "k"); got != "" {
		t.Errorf("GET = %q, want no value", got)
	}
}

// An answer that comes after Resume shows that the server was paused before.
func TestPause(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Real: true})
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.Pause()
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 7)
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := conn.Read(answer); err == nil {
		t.Errorf("a paused server answers %q", answer[:n])
	}
	s.Resume()
	conn.SetReadDeadline(time.Time{})
	if n, err := conn.Read(answer); err != nil || string(answer[:n]) != "+PONG\r\n" {
		t.Errorf("a resumed server answers %q, %v", answer[:n], err)
	}
}

func TestServersEndWithTheirTest(t *testing.T) {
	t.Parallel()
	for _, pause := range []bool{false, true} {
		var s *redistest.Server
		t.Run("server", func(t *testing.T) {
			s = redistest.Start(t, redistest.Options{Real: pause})
			if pause {
				s.Pause()
			}
		})
		if _, err := net.Dial("tcp", s.Addr()); err == nil {
			t.Errorf("the server runs after its test, paused is %t", pause)
		}
	}
}

func TestRestartLoading(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Real: true, Persist: true})
	s.Do(t, "SET", "k", "v")
	loaded := s.RestartLoading(t)
	message := failure(func(t redistest.TB) { s.Do(t, "GET", "k") })
	if !strings.Contains(message, "LOADING") {
		t.Errorf("while loading, GET fails with %q, want LOADING", message)
	}
	loaded()
	if got := s.Do(t, "GET", "k"); got != "v" {
		t.Errorf("GET = %q, want v", got)
	}
	if got := s.Do(t, "INFO", "keyspace"); strings.Contains(got, "db15") {
		t.Errorf("database 15 has keys:\n%s", got)
	}
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{TLS: true})
	for _, test := range []struct {
		name, file, server string
		want               bool
	}{
		{"address", s.CAFile(), "127.0.0.1", true},
		{"localhost", s.CAFile(), "localhost", true},
		{"another host", s.CAFile(), "redis.example", false},
		{"another CA", redistest.ForeignCA(t), "127.0.0.1", false},
	} {
		pem, err := os.ReadFile(test.file)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			t.Fatalf("%s is no PEM file with a certificate", test.file)
		}
		conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{RootCAs: roots, ServerName: test.server})
		if (err == nil) != test.want {
			t.Errorf("%s: got error %v, want success is %t", test.name, err, test.want)
		}
		if err == nil {
			conn.Close()
		}
	}
}

// A client that follows an ACL user's rules is refused what they do not allow.
func TestUsers(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t, redistest.Options{Password: "secret", Users: map[string]string{
		"wxgate": "on >other ~wxgate:* &wxgate:* +@all",
	}})
	for _, test := range []struct{ commands, want string }{
		{"PING", "-NOAUTH"},
		{"AUTH wrong", "-WRONGPASS"},
		{"AUTH secret", "+OK"},
		{"AUTH wxgate other", "+OK"},
		{"AUTH wxgate other;SET wxgate:k v", "+OK +OK"},
		{"AUTH wxgate other;SET k v", "+OK -NOPERM"},
	} {
		if got := talk(t, s.Addr(), strings.Split(test.commands, ";")...); got != test.want {
			t.Errorf("%s = %s, want %s", test.commands, got, test.want)
		}
	}
}

// talk sends commands without TLS and returns the first words of the answers.
func talk(t *testing.T, address string, commands ...string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var answers []string
	for _, command := range commands {
		words := strings.Fields(command)
		fmt.Fprintf(conn, "*%d\r\n", len(words))
		for _, word := range words {
			fmt.Fprintf(conn, "$%d\r\n%s\r\n", len(word), word)
		}
		answer := make([]byte, 1000)
		n, err := conn.Read(answer)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, strings.Fields(string(answer[:n]))[0])
	}
	return strings.Join(answers, " ")
}
