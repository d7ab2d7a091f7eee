package redisstore_test

import (
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/session/redisstore"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	const single, sentinel, cluster = redisstore.Single, redisstore.Sentinel, redisstore.Cluster
	for _, tt := range []struct {
		in    string
		want  redisstore.Address
		shown string
	}{
		{"redis://h", redisstore.Address{Hosts: []string{"h:6379"}}, "redis://h:6379/0"},
		{"redis://h/", redisstore.Address{Hosts: []string{"h:6379"}}, "redis://h:6379/0"},
		{"REDIS://H.Example.COM.:6380/15", redisstore.Address{Hosts: []string{"h.example.com.:6380"}, DB: 15},
			"redis://h.example.com.:6380/15"},
		{"rediss://my_user:pass@10.0.0.1:6379/0", redisstore.Address{
			TLS: true, Hosts: []string{"10.0.0.1:6379"}, Username: "my_user", Password: "pass",
		}, "rediss://[redacted]@10.0.0.1:6379/0"},
		{"redis://:p%40ss%2F%23%3Fw%25+d:x,y=@h/3", redisstore.Address{
			Hosts: []string{"h:6379"}, Password: "p@ss/#?w%+d:x,y=", DB: 3,
		}, "redis://[redacted]@h:6379/3"},
		{"redis://u%3Aser:p@[0:0::1]", redisstore.Address{
			Hosts: []string{"[::1]:6379"}, Username: "u:ser", Password: "p",
		}, "redis://[redacted]@[::1]:6379/0"},
		{"redis://[2001:DB8::1]:7000", redisstore.Address{Hosts: []string{"[2001:db8::1]:7000"}},
			"redis://[2001:db8::1]:7000/0"},
		{"redis+sentinel://h1,h2:7000,[::1]/2?master=my-master.1", redisstore.Address{
			Kind: sentinel, Hosts: []string{"h1:26379", "h2:7000", "[::1]:26379"}, DB: 2, Master: "my-master.1",
		}, "redis+sentinel://h1:26379,h2:7000,[::1]:26379/2?master=my-master.1"},
		{"rediss+sentinel://u:p@h1?sentinel_password=a%26b+c&master=m&sentinel_username=s", redisstore.Address{
			Kind: sentinel, TLS: true, Hosts: []string{"h1:26379"}, Username: "u", Password: "p", Master: "m",
			SentinelUsername: "s", SentinelPassword: "a&b+c",
		}, "rediss+sentinel://[redacted]@h1:26379/0?master=m&sentinel_username=[redacted]&sentinel_password=[redacted]"},
		{"redis+cluster://h1,h2:7001", redisstore.Address{Kind: cluster, Hosts: []string{"h1:6379", "h2:7001"}},
			"redis+cluster://h1:6379,h2:7001"},
		{"rediss+cluster://:p@h1:6379,h1:6380/0", redisstore.Address{
			Kind: cluster, TLS: true, Hosts: []string{"h1:6379", "h1:6380"}, Password: "p",
		}, "rediss+cluster://[redacted]@h1:6379,h1:6380"},
	} {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got := redisstore.Address{Kind: single, Password: "left over"}
			if err := got.UnmarshalText([]byte(tt.in)); err != nil {
				t.Fatalf("UnmarshalText(%q): %v", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("UnmarshalText(%q) (-want +got):\n%s", tt.in, diff)
			}
			if got.String() != tt.shown {
				t.Errorf("String() = %q, want %q", got.String(), tt.shown)
			}
		})
	}
}

func TestAddressErrors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "begins with redis:// or rediss://",
		"h:6379":                               "begins with redis:// or rediss://",
		"redis:h":                              "begins with redis:// or rediss://",
		"http://h:6379":                        "expected redis:// in place of http://",
		"https://h:6379":                       "expected rediss://",
		"redis+tls://h":                        "expected rediss://",
		"redis+ssl://h":                        "expected rediss://",
		"valkeys://h":                          "expected rediss://",
		"valkey://h":                           "expected a URL that begins with redis://",
		"ftp://h":                              "expected a URL that begins with redis://",
		"unix:///run/redis.sock":               "sockets are not supported; expected redis://host:port",
		"redis+unix:///run/redis.sock":         "sockets are not supported",
		"redis-socket:///run/redis.sock":       "sockets are not supported",
		"redis-sentinel://h":                   "expected redis+sentinel://host1,host2/0?master=NAME",
		"sentinel://h":                         "expected redis+sentinel://",
		"rediss-sentinel://h":                  "expected rediss+sentinel://host1,host2/0?master=NAME",
		"redis-cluster://h":                    "expected redis+cluster://host1,host2",
		"rediss-cluster://h":                   "expected rediss+cluster://host1,host2",
		"redis://":                             "the host: empty",
		"redis:///0":                           "the host: empty",
		"redis://:6379":                        "the host: expected a name or an IP address",
		"redis+cluster://h1,":                  "host 2: empty",
		"redis+cluster://,h1":                  "host 1: empty",
		"redis+cluster://h1,h2,H1:6379":        "host 3: the same as host 1",
		"redis+cluster://[::1],[0::1]:6379":    "host 2: the same as host 1",
		"redis+cluster://a:x,b,,a..b":          "host 1: expected a port from 1 to 65535 behind the host; in user names, passwords and parameters, write @ as %40, / as %2F, ? as %3F, # as %23 and % as %25; host 3: empty; expected host or host:port; host 4: expected a name or an IP address",
		"redis+sentinel://a,a,b:0":             "host 2: the same as host 1; expected each host once; host 3: expected a port",
		"redis://h1,h2":                        "redis+sentinel://host1,host2/0?master=NAME or redis+cluster://",
		"redis://h:0":                          "expected a port from 1 to 65535",
		"redis://h:65536":                      "expected a port",
		"redis://h:06379":                      "expected a port",
		"redis://h:":                           "expected a port",
		"redis://h:redis":                      "expected a port",
		"redis://::1":                          "expected an IPv6 address in brackets",
		"redis://::1:6379":                     "expected an IPv6 address in brackets",
		"redis://[::1":                         "in the brackets",
		"redis://[127.0.0.1]":                  "expected an IPv6 address, without zone, in the brackets",
		"redis://[fe80::1%25eth0]":             "without zone",
		"redis://a..b":                         "expected a name or an IP address",
		"redis://*.example.com":                "expected a name",
		"redis://256.0.0.1":                    "expected a name or an IP address",
		"redis://微信.cn":                        "expected a name",
		"redis:// h":                           "a space or line break",
		"redis://h\n":                          "a space or line break",
		"redis://:pass word@h":                 "write a space in a password as %20",
		"redis://\u00a0h":                      "a space or line break",
		"redis://h/0#1":                        "a # in the URL",
		"redis://h#":                           "a # in the URL",
		"redis://h/x":                          "expected the number of a database behind the hosts, such as /0",
		"redis://h/-1":                         "expected the number of a database",
		"redis://h/00":                         "expected the number of a database",
		"redis://h/0/1":                        "expected the number of a database",
		"redis://h/4294967296":                 "expected the number of a database",
		"redis://h//0":                         "expected the number of a database",
		"redis+sentinel://h/mymaster":          "the master's name stands in ?master=NAME",
		"redis+cluster://h/1":                  "a cluster has no database but 0",
		"redis://h?db=1":                       "redis:// has none",
		"rediss://h/0?ssl_cert_reqs=none":      "rediss:// has none",
		"redis+cluster://h?master=m":           "redis+cluster:// has none",
		"redis+sentinel://h/0":                 "expected ?master=NAME",
		"redis+sentinel://h?master=":           "the parameter master is empty",
		"redis+sentinel://h?master":            "the parameter master is empty",
		"redis+sentinel://h?Master=m":          "an unknown parameter; expected master, sentinel_username",
		"redis+sentinel://h?master=m&&":        "an unknown parameter",
		"redis+sentinel://h?master=m&db=1":     "an unknown parameter",
		"redis+sentinel://h?master=a&master=b": "the parameter master stands there twice",
		"redis+sentinel://h?master=m&sentinel_password=":                      "the parameter sentinel_password is empty",
		"redis+sentinel://h?master=m&sentinel_password=a%zz":                  "a % in sentinel_password",
		"redis+sentinel://h?master=m&sentinel_password=a&sentinel_password=b": "sentinel_password stands there twice",
		"redis+sentinel://h?master=m&sentinel_username=a":                     "sentinel_username without sentinel_password",
		"redis+sentinel://h?master=m&sentinel_username=a&sentinel_username=b": "sentinel_username stands there twice",
		"redis+sentinel://h?master=%20m":                                      "a master's name of printable ASCII",
		"redis+sentinel://h?master=m&sentinel_password=p@ss":                  "write @ as %40",
		"redis://secret@h":         "no password before the @",
		"redis://user:@h":          "no password before the @",
		"redis://:@h":              "no password before the @",
		"redis://@h":               "no password before the @",
		"redis://:a%zz@h":          "a % in the user or password",
		"redis://a%:b@h":           "a % in the user or password",
		"redis://:p@ss@h":          "write @ as %40",
		"redis://:pa/ss@h":         "/ as %2F",
		"redis://:pa#ss@h":         "# as %23",
		"redis://:pa?ss@h":         "? as %3F",
		"redis://:pa/s:s@h:6379/0": "/ as %2F",
		"redis+sentinel://user:pa?ss@h1,h2/0?master=m":                                "? as %3F",
		"redis+sentinel://user:pass@h1,user:pass@h2/0?master=m":                       "an @ that does not stand between",
		"redis+cluster://:pass@h1,:pass@h2":                                           "write @ as %40",
		"redis://user:pass@redis://h":                                                 "expected a port",
		"redis+sentinel://h1,h2/0?master=m&sentinel_username=u&sentinel_password=s#x": "a # in the URL",
	} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			var got redisstore.Address
			err := got.UnmarshalText([]byte(in))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("UnmarshalText(%q) = %v, want an error with %q", in, err, want)
			}
			if !got.IsZero() {
				t.Errorf("UnmarshalText(%q) sets %v", in, got)
			}
		})
	}
}

// planted is a password that no error and no printed address may hold a part of.
const planted = "Xk9qZ7vJ"

func holdsSecret(text string) bool {
	return strings.Contains(text, planted[:4]) || strings.Contains(text, planted[4:])
}

func TestAddressPrintsNoPassword(t *testing.T) {
	t.Parallel()
	var a redisstore.Address
	const in = "redis+sentinel://" + planted + ":" + planted + "@h1,h2/1" +
		"?master=m&sentinel_username=" + planted + "&sentinel_password=" + planted
	if err := a.UnmarshalText([]byte(in)); err != nil {
		t.Fatal(err)
	}
	config := struct{ URL redisstore.Address }{a}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		for _, v := range []any{a, &a, config, []redisstore.Address{a}} {
			if got := fmt.Sprintf(verb, v); holdsSecret(got) || !strings.Contains(got, "h1:26379,h2:26379/1") {
				t.Errorf("%s of %T prints %s", verb, v, got)
			}
		}
	}
	if got, err := json.Marshal(config); err != nil || holdsSecret(string(got)) {
		t.Errorf("json.Marshal: %s, %v", got, err)
	}
}

func TestZeroAddress(t *testing.T) {
	t.Parallel()
	var a redisstore.Address
	if !a.IsZero() || a.String() != "" || fmt.Sprint(a) != "" {
		t.Errorf("the zero Address: IsZero %t, prints %q", a.IsZero(), a)
	}
}

func FuzzAddress(f *testing.F) {
	for _, seed := range []struct{ before, after string }{
		{"redis://user:", "@h:6379/0"}, {"rediss://:", "@[::1]"}, {"redis://", "@h"}, {"", "://h"},
		{"redis+sentinel://h1,h2/0?master=m&sentinel_password=", ""}, {"redis+sentinel://h?", "=a"},
		{"redis+cluster://u:a/", "@h1,h2:1"}, {"redis://:a?", "@h"}, {"redis://:%", "#@h"}, {"redis://h:", ""},
	} {
		f.Add(seed.before, seed.after)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		var a, again redisstore.Address
		in := before + planted + after
		if err := a.UnmarshalText([]byte(in)); err != nil {
			if holdsSecret(err.Error()) {
				t.Errorf("UnmarshalText(%q): %v", in, err)
			}
			return
		}
		single, cluster := a.Kind == redisstore.Single, a.Kind == redisstore.Cluster
		if len(a.Hosts) == 0 || single && len(a.Hosts) > 1 || cluster && a.DB != 0 {
			t.Errorf("UnmarshalText(%q) = %v", in, a)
		}
		for i, host := range a.Hosts {
			if name, port, err := net.SplitHostPort(host); err != nil || name == "" || port == "" || port == "0" {
				t.Errorf("UnmarshalText(%q) has the host %q", in, host)
			}
			if slices.Index(a.Hosts, host) != i {
				t.Errorf("UnmarshalText(%q) has the host %q twice", in, host)
			}
		}
		secrets := a.Username + a.Password + a.SentinelUsername + a.SentinelPassword
		if strings.Contains(secrets, planted) && !strings.Contains(a.Master+strings.Join(a.Hosts, ""), planted) &&
			holdsSecret(a.String()) {
			t.Errorf("UnmarshalText(%q) prints %s", in, a)
		}
		if secrets == "" {
			if err := again.UnmarshalText([]byte(a.String())); err != nil || !cmp.Equal(a, again) {
				t.Errorf("UnmarshalText(%q) = %v, but UnmarshalText(%q) = %v, %v", in, a, a, again, err)
			}
		}
	})
}
