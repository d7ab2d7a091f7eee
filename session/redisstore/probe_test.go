package redisstore_test

import (
	"bufio"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session/redisstore"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// cas returns the certificates of a PEM file; nil for no file.
func cas(t *testing.T, file string) *x509.CertPool {
	t.Helper()
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

func probe(t *testing.T, url, caFile string) (*redisstore.Report, error) {
	t.Helper()
	var a redisstore.Address
	if err := a.UnmarshalText([]byte(url)); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return redisstore.Probe(t.Context(), a, cas(t, caFile))
}

// sound returns the report of a probe, in which all attempts must have worked.
func sound(t *testing.T, url, caFile string) *redisstore.Report {
	t.Helper()
	r, err := probe(t, url, caFile)
	if err != nil {
		t.Fatal(err)
	}
	if r.Write != nil || r.Script != nil || r.Publish != nil || r.Latency <= 0 || r.Connecting <= 0 || len(r.Silent) > 0 {
		t.Errorf("Write %v, Script %v, Publish %v, Latency %v, Connecting %v, Silent %v",
			r.Write, r.Script, r.Publish, r.Latency, r.Connecting, r.Silent)
	}
	return r
}

func TestProbe(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{Password: planted})
	r := sound(t, redis.URL(), "")
	if len(r.Servers) != 1 || r.Open || !r.CertificateEnd.IsZero() {
		t.Errorf("got %+v, want one server, not open, without certificate", r)
	}
	s := r.Servers[0]
	if s.Address != redis.Addr() || s.Replica || s.Version == "" {
		t.Errorf("got %+v, want the master at %s", s, redis.Addr())
	}
	if !redis.Real() {
		return
	}
	if !s.RESP3 || s.NoTracking != nil || s.EvictionPolicy != "noeviction" {
		t.Errorf("got %+v, want RESP3, client-side caching and noeviction", s)
	}
	if left := redis.Do(t, "KEYS", "*"); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

func TestProbeTLS(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Options{Real: true, TLS: true})
	r := sound(t, redis.URL(), redis.CAFile())
	if left := time.Until(r.CertificateEnd); left < time.Hour || left > 25*time.Hour {
		t.Errorf("the certificate ends in %v, want a day", left)
	}
}

func TestProbeSentinel(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinel(t, redistest.Options{Password: planted, SentinelPassword: "of-sentinels"})
	url := sentinels.URL()
	r := sound(t, url, "")
	if r.Sentinels != 3 || len(r.Servers) != 1 || r.Servers[0].Address != sentinels.Master().Addr() {
		t.Errorf("got %+v, want the master %s of 3 sentinels", r, sentinels.Master().Addr())
	}
	for _, tt := range []struct{ name, old, new, err, hint string }{
		{"another name of the master", "master=wxgate", "master=mymaster",
			`knows no master of the name "mymaster"`, "correct ?master= in WXGATE_REDIS_URL"},
		{"no password of the sentinels", "&sentinel_password=of-sentinels", "",
			"NOAUTH", "add &sentinel_password="},
		{"a wrong password of the sentinels", "sentinel_password=of-sentinels", "sentinel_password=" + planted + "x",
			"WRONGPASS", "correct sentinel_username and sentinel_password in WXGATE_REDIS_URL"},
		{"a wrong password of the servers", planted + "@", planted + "x@",
			"WRONGPASS", "correct user and password in WXGATE_REDIS_URL"},
		{"no password of the servers", ":" + planted + "@", "", "NOAUTH", "give the password in WXGATE_REDIS_URL"},
		{"servers for sentinels", sentinels.Sentinels()[0].Addr(), sentinels.Replicas()[0].Addr(), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(url, tt.old) {
				t.Fatalf("%s does not hold %s", url, tt.old)
			}
			r, err := probe(t, strings.Replace(url, tt.old, tt.new, 1), "")
			if tt.err == "" {
				if err != nil || r.Sentinels != 2 || len(r.Silent) != 1 {
					t.Errorf("Probe = %+v, %v, want 2 sentinels and 1 error", r, err)
				}
				return
			}
			wantError(t, err, tt.err, tt.hint)
		})
	}
	sentinels.Sentinels()[1].Stop()
	if r, err := probe(t, url, ""); err != nil || r.Sentinels != 2 || len(r.Silent) != 1 || r.Write != nil {
		t.Errorf("with a sentinel down: %+v, %v, want 2 sentinels and 1 error", r, err)
	}
	sentinel := "redis://:of-sentinels@" + sentinels.Sentinels()[0].Addr()
	_, err := probe(t, sentinel, "")
	wantError(t, err, "this is a sentinel", "write redis+sentinel://")
	r, err = probe(t, "redis://:"+planted+"@"+sentinels.Replicas()[0].Addr(), "")
	if err != nil || !r.Servers[0].Replica {
		t.Errorf("Probe of a replica = %+v, %v", r, err)
	}
	_, err = probe(t, "redis+sentinel://"+sentinels.Master().Addr()+"?master=m&sentinel_password="+planted, "")
	wantError(t, err, "unknown command 'SENTINEL'", "this is no sentinel")
}

func TestProbeCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, redistest.Options{TLS: true, Password: planted})
	r := sound(t, cluster.URL(), cluster.CAFile())
	var masters, want []string
	for _, s := range r.Servers {
		masters = append(masters, s.Address)
	}
	for _, node := range cluster.Nodes()[:3] {
		want = append(want, node.Addr())
	}
	slices.Sort(masters)
	slices.Sort(want)
	if !slices.Equal(masters, want) {
		t.Errorf("the masters are %q, want %q", masters, want)
	}
	one := cluster.Nodes()[1].Addr()
	r, err := probe(t, "rediss+cluster://:"+planted+"@127.0.0.1:1,"+one, cluster.CAFile())
	if err != nil || len(r.Servers) != 3 || len(r.Silent) != 1 || r.Write != nil || r.Publish != nil || r.Latency == 0 {
		t.Errorf("with a host that is down: %+v, %v", r, err)
	}
	_, err = probe(t, "rediss://:"+planted+"@"+one, cluster.CAFile())
	wantError(t, err, "this is a node of a cluster", "write redis+cluster://host1,host2")
	_, err = probe(t, "rediss://:"+planted+"@"+one+"/3", cluster.CAFile())
	wantError(t, err, "not allowed in cluster mode", "write redis+cluster://")
	cluster.Nodes()[0].Do(t, "CLUSTER", "DELSLOTS", "0", "1")
	_, err = probe(t, "rediss+cluster://:"+planted+"@"+cluster.Nodes()[0].Addr(), cluster.CAFile())
	wantError(t, err, "the cluster serves 16382 of 16384 slots", "start the masters that are down")
}

// wantError checks an error, its hint, and that it holds no password.
func wantError(t *testing.T, err error, text, hint string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(redisstore.Hint(err), hint) {
		t.Errorf("got the error %v, hint %q, want %q, hint %q", err, redisstore.Hint(err), text, hint)
	}
	said := fmt.Sprint(err) + redisstore.Hint(err)
	if holdsSecret(said) || strings.Contains(said, "\n") {
		t.Errorf("the error is not fit to print: %v; hint %q", err, redisstore.Hint(err))
	}
}

func TestProbeErrors(t *testing.T) {
	t.Parallel()
	plain := redistest.Start(t, redistest.Options{Real: true, Password: planted})
	secure := redistest.Start(t, redistest.Options{Real: true, TLS: true})
	mutual := redistest.Start(t, redistest.Options{Real: true, TLS: true})
	mutual.Do(t, "CONFIG", "SET", "tls-auth-clients", "yes")
	open := redistest.Start(t, redistest.Options{Real: true, Args: []string{"--rename-command", "HELLO", ""}})
	hypertext := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(hypertext.Close)
	hypertextOf := strings.TrimPrefix(hypertext.URL, "http://")
	hypertextTLS := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	hypertextTLS.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	hypertextTLS.StartTLS()
	t.Cleanup(hypertextTLS.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hypertextTLS.Certificate().Raw})
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	silent, gone := listener(t, func(c net.Conn) { io.Copy(io.Discard, c) }), listener(t, func(c net.Conn) { c.Close() })
	refuses := listener(t, nil)
	for _, tt := range []struct{ name, url, ca, err, hint string }{
		{
			"a wrong password", "redis://:" + planted + "x@" + plain.Addr(), "",
			"WRONGPASS", "correct user and password in WXGATE_REDIS_URL",
		},
		{
			"a wrong user", "redis://" + planted + ":" + planted + "@" + plain.Addr(), "",
			"WRONGPASS", "correct user and password",
		},
		{"no password", "redis://" + plain.Addr(), "", "NOAUTH", "give the password in WXGATE_REDIS_URL"},
		{
			"too many passwords", "redis://:" + planted + "@" + open.Addr(), "",
			"without any password configured", "remove the password from WXGATE_REDIS_URL",
		},
		{
			"passwords in the answer", "redis://" + planted + ":" + planted + "@" + listener(t, knowsNothing), "",
			"unknown command", "correct WXGATE_REDIS_URL",
		},
		{
			"no such database", plain.URL()[:strings.LastIndex(plain.URL(), "/")] + "/99", "",
			"DB index is out of range", "correct the number behind the host in WXGATE_REDIS_URL",
		},
		{
			"another CA", secure.URL(), redistest.ForeignCA(t),
			"certificate signed by unknown authority", "set WXGATE_REDIS_CA_FILE",
		},
		{
			"the system's CAs", secure.URL(), "",
			"certificate signed by unknown authority", "set WXGATE_REDIS_CA_FILE",
		},
		{
			"another name", strings.Replace(hypertextTLS.URL, "https://127.0.0.1", "rediss://localhost", 1), ca,
			"certificate is valid for", "that is valid now for the host in WXGATE_REDIS_URL",
		},
		{
			"a certificate of the client", mutual.URL(), mutual.CAFile(),
			"certificate required", "set tls-auth-clients to no",
		},
		{
			"TLS alone", strings.Replace(secure.URL(), "rediss", "redis", 1), "",
			"the server speaks TLS alone", "write rediss in place of redis in WXGATE_REDIS_URL",
		},
		{
			"no TLS", strings.Replace(plain.URL(), "redis", "rediss", 1), "",
			"the server does not speak TLS", "write redis in place of rediss in WXGATE_REDIS_URL",
		},
		{
			"no TLS at sentinels", "rediss+sentinel://" + plain.Addr() + "?master=m", "",
			"the server does not speak TLS", "write redis in place of rediss",
		},
		{
			"HTTP", "redis://" + hypertextOf, "",
			"the server speaks HTTP", "correct host and port in WXGATE_REDIS_URL",
		},
		{
			"HTTP over TLS", strings.Replace(hypertextTLS.URL, "https", "rediss", 1), ca,
			"the server speaks HTTP", "correct host and port in WXGATE_REDIS_URL",
		},
		{
			"HTTP for TLS", "rediss+cluster://" + hypertextOf, "",
			"the server speaks HTTP", "correct host and port in WXGATE_REDIS_URL",
		},
		{
			"nobody", "redis://" + refuses, "",
			"connection refused", "start Redis, or correct host and port in WXGATE_REDIS_URL",
		},
		{
			"nobody at two nodes", "redis+cluster://" + refuses + ",localhost:1", "",
			"node " + refuses, "start Redis",
		},
		{
			"an unknown host", "redis://redis.invalid", "",
			"lookup redis.invalid", "correct the host in WXGATE_REDIS_URL",
		},
		{"silence", "redis://" + silent, "", "", "check that Redis is running"},
		{"silence for TLS", "rediss://" + silent, "", "", "check that Redis is running"},
		{"a connection that ends", "redis://" + gone, "", "", "are those of Redis"},
		{
			"no cluster", strings.Replace(plain.URL(), "redis:", "redis+cluster:", 1), "",
			"cluster support disabled", "write redis:// (rediss:// for TLS) in WXGATE_REDIS_URL",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := probe(t, tt.url, tt.ca)
			wantError(t, err, tt.err, tt.hint)
		})
	}
}

func TestProbeOfALoadingServer(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.Options{Real: true, Persist: true})
	server.RestartLoading(t) // for about a minute
	_, err := probe(t, server.URL(), "")
	wantError(t, err, "LOADING", "wait: Redis is reading its data")
}

// knowsNothing answers each command with an error that repeats it, as Redis does with
// unknown commands.
func knowsNothing(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		var words int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &words); err != nil {
			return
		}
		command := make([]string, words)
		for i := range command {
			var size int
			fmt.Fscanf(r, "$%d\r\n%s\r\n", &size, &command[i])
		}
		fmt.Fprintf(c, "-ERR unknown command '%s', with args beginning with: '%s' \r\n",
			command[0], strings.Join(command[1:], "' '"))
	}
}

// listener returns the address of a server that does this with connections; of none
// for nil.
func listener(t *testing.T, accepted func(net.Conn)) string {
	t.Helper()
	if accepted == nil {
		return "127.0.0.1:1"
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			go accepted(c)
		}
	}()
	return l.Addr().String()
}
