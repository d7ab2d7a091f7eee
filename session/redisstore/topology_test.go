package redisstore_test

import (
	"crypto/x509"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// secured is Redis with TLS and a password.
var secured = redistest.Options{TLS: true, Password: "p@ss/word?#"}

// topologies are the ways in which Redis servers work together.
var topologies = []struct {
	name  string
	start func(t *testing.T) (url, caFile string)
}{
	{"one server", func(t *testing.T) (string, string) {
		s := redistest.Start(t, redistest.Options{Real: true})
		return s.URL(), ""
	}},
	{"one server with TLS and a user of few rights", func(t *testing.T) (string, string) {
		s := redistest.Start(t, redistest.Options{TLS: true, Users: fewRights(t)})
		return s.URLOf("wxgate", "PASSWORD"), s.CAFile()
	}},
	{"sentinels", func(t *testing.T) (string, string) {
		s := redistest.StartSentinel(t)
		return s.URL(), ""
	}},
	{"sentinels and a user of few rights", func(t *testing.T) (string, string) {
		s := redistest.StartSentinel(t, redistest.Options{Users: fewRights(t)})
		return s.URLOf("wxgate", "PASSWORD"), ""
	}},
	{"sentinels with TLS and passwords", func(t *testing.T) (string, string) {
		s := redistest.StartSentinel(t, secured)
		return s.URL(), s.CAFile()
	}},
	{"cluster", func(t *testing.T) (string, string) {
		s := redistest.StartCluster(t)
		return s.URL(), ""
	}},
	{"cluster and a user of few rights", func(t *testing.T) (string, string) {
		s := redistest.StartCluster(t, redistest.Options{Users: fewRights(t)})
		return s.URLOf("wxgate", "PASSWORD"), ""
	}},
	{"cluster with TLS and passwords", func(t *testing.T) (string, string) {
		s := redistest.StartCluster(t, secured)
		return s.URL(), s.CAFile()
	}},
}

// fewRights returns the user that deploy/README.md shows.
func fewRights(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "\nuser wxgate ")
	rules, _, end := strings.Cut(rest, "\n")
	if !ok || !end {
		t.Fatal("deploy/README.md shows no user wxgate")
	}
	return map[string]string{"wxgate": rules}
}

// connectedTLS is connected for servers with certificates of the CA in caFile.
func connectedTLS(t testing.TB, url, caFile string) *redisstore.Client {
	t.Helper()
	var address redisstore.Address
	if err := address.UnmarshalText([]byte(url)); err != nil {
		t.Fatal(err)
	}
	config := redisstore.Config{Address: address, Logger: zerolog.New(zerolog.NewTestWriter(t))}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			t.Fatal(err)
		}
		config.CAs = x509.NewCertPool()
		config.CAs.AppendCertsFromPEM(pem)
	}
	client := clientOf(t, config)
	runClient(t, client)
	eventually(t, "redis answers", func() bool { return client.Status().Answered })
	return client
}

// Sessions are kept, renewed and ended under each topology, and what one replica does
// holds on the other.
func TestTopologies(t *testing.T) {
	t.Parallel()
	for _, topology := range topologies {
		t.Run(topology.name, func(t *testing.T) {
			t.Parallel()
			url, caFile := topology.start(t)
			a := sessions(t, connectedTLS(t, url, caFile), config('a'), time.Minute)
			b := sessions(t, connectedTLS(t, url, caFile), config('a'), time.Minute)
			for range 20 { // over all nodes of a cluster
				cookie := login(t, a)
				want(t, a, cookie, nil)
				want(t, b, cookie, nil)
				header := make(http.Header)
				if err := a.Renew(request(cookie), header, due(t, a, cookie)); err != nil || cookieIn(header) == "" {
					t.Fatalf("Renew: %v, header %v, want a cookie", err, header)
				}
				if err := b.Delete(request(cookie), make(http.Header)); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the sign-out holds on the other replica", func() bool {
					_, err := a.Load(request(cookie))
					return is(err, session.ErrNone)
				})
			}
		})
	}
}

// When the sentinels make a replica the master, sessions go on and new ones work.
func TestFailover(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinel(t)
	store := sessions(t, connected(t, sentinels.URL()), config('a'), time.Minute)
	cookie := login(t, store)
	want(t, store, cookie, nil)
	strict := sessions(t, connected(t, sentinels.URL()), config('a'), 0)
	want(t, strict, cookie, nil)
	eventually(t, "the replica has the session", func() bool { return sentinels.Replicas()[0].Do(t, "DBSIZE") == "1" })
	sentinels.Failover(t)
	want(t, store, cookie, nil) // by its grace
	eventually(t, "the session is there without grace", func() bool {
		_, err := strict.Load(request(cookie))
		if is(err, session.ErrNone) {
			t.Fatal("the session was lost")
		}
		return err == nil
	})
	eventually(t, "a login works", func() bool {
		return store.Save(request(), make(http.Header), visitor()) == nil
	})
}

// When a master of a cluster dies and its replica takes over, no session is lost.
func TestClusterLosesANode(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, redistest.Options{Replicas: 1})
	store := sessions(t, connected(t, cluster.URL()), config('a'), time.Minute)
	strict := sessions(t, connected(t, cluster.URL()), config('a'), 0)
	var cookies []string
	for range 20 {
		cookie := login(t, store)
		want(t, store, cookie, nil)
		cookies = append(cookies, cookie)
	}
	eventually(t, "the replicas have the sessions", func() bool {
		kept := 0
		for _, replica := range cluster.Nodes()[3:] {
			n, _ := strconv.Atoi(replica.Do(t, "DBSIZE"))
			kept += n
		}
		return kept == len(cookies)
	})
	cluster.Nodes()[0].Kill()
	for _, cookie := range cookies {
		want(t, store, cookie, nil) // by its grace
	}
	for _, cookie := range cookies {
		eventually(t, "the session is there without grace", func() bool {
			_, err := strict.Load(request(cookie))
			if is(err, session.ErrNone) {
				t.Fatal("a session was lost")
			}
			return err == nil
		})
	}
	for range 20 {
		eventually(t, "a login works", func() bool {
			return store.Save(request(), make(http.Header), visitor()) == nil
		})
	}
}
