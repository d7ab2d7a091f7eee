package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestCheckOfRedis(t *testing.T) {
	t.Parallel()
	const password, wrong = "planted-password", "planted-mistake"
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	upstream := newUpstream(t, hello)
	redis := redistest.Start(t, redistest.Options{Real: true, Password: password, TLS: true})
	evicts := redistest.Start(t, redistest.Options{Args: []string{"--maxmemory-policy", "allkeys-lru"}})
	replica := redistest.Start(t, redistest.Options{Args: []string{"--replicaof", "127.0.0.1 1"}})
	cluster := redistest.StartCluster(t)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(redis.URLOf("", wrong)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ca := "WXGATE_REDIS_CA_FILE=" + redis.CAFile()
	for _, tt := range []struct {
		name string
		vars []string
		code int
		want []string // lines, or what they begin with
	}{
		{"one server over TLS", []string{"WXGATE_REDIS_URL=" + redis.URL(), ca}, 0, []string{
			"ok    redis: signed in to " + redis.Addr() + ", over TLS\n",
			"note  redis: the certificate ends at 20",
			"ok    redis: role master\n",
			"ok    redis: version ",
			"ok    redis: RESP3 and client-side caching (CLIENT TRACKING)\n",
			"ok    redis: maxmemory-policy noeviction\n",
			"ok    redis: keeps values\n",
			"ok    redis: runs scripts\n",
			"ok    redis: delivers messages\n",
			"ok    redis: a round trip takes ",
		}},
		{"a cluster, whose nodes are alike", []string{"WXGATE_REDIS_URL=" + cluster.URL()}, 0, []string{
			"ok    redis: signed in to a cluster of 3 masters, without TLS\n",
			"ok    redis: role master\n",
			"ok    redis: maxmemory-policy noeviction\n",
			"ok    redis: keeps values\n",
		}},
		{"once for several sites", []string{
			"WXGATE_REDIS_URL=" + cluster.URL(), "WXGATE_PUBLIC_URL=",
			"WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com",
		}, 0, []string{"ok    redis: signed in to a cluster"}},
		{"another CA", []string{"WXGATE_REDIS_URL=" + redis.URL()}, 1, []string{
			"FAIL  redis: tls: failed to verify certificate: x509: certificate signed by unknown authority; " +
				"hint: set WXGATE_REDIS_CA_FILE to a file with the CA that signed the certificate of Redis\n",
		}},
		{"a wrong password in a file", []string{"WXGATE_REDIS_URL_FILE=" + file, ca}, 1, []string{
			"FAIL  redis: WRONGPASS invalid username-password pair or user is disabled; " +
				"hint: correct user and password in WXGATE_REDIS_URL_FILE\n",
		}},
		{"no password", []string{"WXGATE_REDIS_URL=rediss://" + redis.Addr(), ca}, 1, []string{
			"FAIL  redis: NOAUTH HELLO must be called with the client already authenticated; " +
				"hint: give the password in WXGATE_REDIS_URL: ",
		}},
		{"sessions may be evicted", []string{"WXGATE_REDIS_URL=" + evicts.URL()}, 0, []string{
			"note  redis: maxmemory-policy allkeys-lru: Redis deletes sessions at will when its memory is full; " +
				"hint: set it to noeviction, or give wxgate a Redis of its own\n",
			"ok    redis: keeps values\n",
		}},
		{"a password that nobody asks for", []string{"WXGATE_REDIS_URL=" + evicts.URLOf("", password)}, 0, []string{
			"note  redis: lets in those who give no password; hint: ",
		}},
		{"a replica", []string{"WXGATE_REDIS_URL=" + replica.URL()}, 1, []string{
			"FAIL  redis: role replica: it keeps no login; " +
				"hint: name the master in WXGATE_REDIS_URL, or the sentinels (redis+sentinel://)\n",
		}},
		{"an address that is none", []string{"WXGATE_REDIS_URL=redis://:" + wrong + "@"}, 1, []string{
			"FAIL  configuration: WXGATE_REDIS_URL: the host: empty; expected host or host:port\n",
		}},
		{"a legacy token without Redis", []string{"WXGATE_TOKEN_MODE=legacy"}, 0, []string{
			"note  redis: not used; hint: set WXGATE_REDIS_URL before you run several replicas: with WXGATE_TOKEN_MODE=legacy",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			vars := append([]string{"WXGATE_WECHAT_API_URL=" + wx.URL, "WXGATE_WECHAT_OPEN_URL=" + wx.URL}, tt.vars...)
			p := start(t, environment(upstream, vars...), "check")
			code, out := p.exit(), p.stdout.String()
			if code != tt.code || p.stderr.String() != "" {
				t.Errorf("exits with %d, want %d; stderr %q", code, tt.code, p.stderr.String())
			}
			for _, want := range tt.want {
				if strings.Count("\n"+out, "\n"+want) != 1 {
					t.Errorf("check says\n%swant one line %q", out, want)
				}
			}
			if strings.Contains(out, password) || strings.Contains(out, wrong) {
				t.Errorf("check shows the password:\n%s", out)
			}
		})
	}
}

// Without Redis, and without what needs it, check says nothing about it.
func TestCheckWithoutRedis(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello), "WXGATE_WECHAT_API_URL=http://127.0.0.1:9"), "check")
	p.exit()
	if out := p.stdout.String(); strings.Contains(out, "redis") {
		t.Errorf("check says\n%s", out)
	}
}
