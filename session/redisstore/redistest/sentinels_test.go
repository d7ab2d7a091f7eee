package redistest_test

import (
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

func TestStartSentinel(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options redistest.Options
		url     string // with "hosts" for the sentinels
	}{
		{"plain", redistest.Options{}, "redis+sentinel://hosts/0?master=wxgate"},
		{"everything", redistest.Options{
			TLS: true, Replicas: 2, Password: "secret", SentinelUser: "watcher", SentinelPassword: "other",
			Users: map[string]string{"wxgate": "on >other ~wxgate:* &wxgate:* +@all"},
		}, "rediss+sentinel://:secret@hosts/0?master=wxgate&sentinel_password=other&sentinel_username=watcher"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.StartSentinel(t, test.options)
			var hosts []string
			for _, sentinel := range s.Sentinels() {
				hosts = append(hosts, sentinel.Addr())
			}
			if got := strings.Replace(s.URL(), strings.Join(hosts, ","), "hosts", 1); got != test.url {
				t.Errorf("URL = %s, want %s", got, test.url)
			}
			old := s.Master()
			old.Do(t, "SET", "k", "v")
			old.Do(t, "WAIT", "1", "5000")
			master := s.Failover(t)
			if master == old || s.Master() != master {
				t.Fatal("the master is the old one")
			}
			if got := master.Do(t, "GET", "k"); got != "v" {
				t.Errorf("GET = %q after the failover, want v", got)
			}
			if got, want := len(s.Replicas()), max(1, test.options.Replicas); got != want {
				t.Errorf("%d replicas, want %d", got, want)
			}
		})
	}
}
