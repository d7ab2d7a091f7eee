package redistest_test

import (
	"strings"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

func TestStartCluster(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options redistest.Options
		state   string // after the loss of the first node
		url     string // with "hosts" for the nodes
	}{
		{"plain", redistest.Options{}, "fail", "redis+cluster://hosts"},
		{"everything", redistest.Options{
			TLS: true, Replicas: 1, Password: "secret",
			Users: map[string]string{"wxgate": "on >other ~wxgate:* &wxgate:* +@all"},
		}, "ok", "rediss+cluster://:secret@hosts"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := redistest.StartCluster(t, test.options)
			if got, want := len(c.Nodes()), 3*(1+test.options.Replicas); got != want {
				t.Errorf("%d nodes, want %d", got, want)
			}
			var hosts []string
			for _, node := range c.Nodes() {
				hosts = append(hosts, node.Addr())
			}
			if got := strings.Replace(c.URL(), strings.Join(hosts, ","), "hosts", 1); got != test.url {
				t.Errorf("URL = %s, want %s", got, test.url)
			}
			c.KillNode(t, 0)
			if info := c.Nodes()[1].Do(t, "CLUSTER", "INFO"); !strings.Contains(info, "cluster_state:"+test.state) {
				t.Errorf("after the loss of a node:\n%s\nwant state %s", info, test.state)
			}
		})
	}
}
