package config_test

import (
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

func TestServiceLinks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		entry   string
		ignored bool
	}{
		{"WXGATE_SERVICE_HOST=10.96.0.10", true},
		{"WXGATE_SERVICE_HOST=fd00::10", true},
		{"WXGATE_SERVICE_PORT=8080", true},
		{"WXGATE_SERVICE_PORT_HTTP=8080", true},
		{"WXGATE_SERVICE_PORT_HTTP_2=8080", true},
		{"WXGATE_PORT=tcp://10.96.0.10:8080", true},
		{"WXGATE_PORT=tcp://[fd00::10]:8080", true},
		{"WXGATE_PORT_8080_TCP=tcp://10.96.0.10:8080", true},
		{"WXGATE_PORT_53_UDP=udp://10.96.0.10:53", true},
		{"WXGATE_PORT_8080_TCP_PROTO=tcp", true},
		{"WXGATE_PORT_8080_TCP_PORT=8080", true},
		{"WXGATE_PORT_8080_TCP_ADDR=10.96.0.10", true},
		{"WXGATE_DEMO_SERVICE_HOST=10.96.0.11", true},
		{"WXGATE_DEMO_SERVICE_PORT_HTTP=80", true},
		{"WXGATE_DEMO_2_PORT_80_TCP_ADDR=10.96.0.11", true},

		{"WXGATE_PORT=8080", false},
		{"WXGATE_PORT=", false},
		{"WXGATE_PORT=http://10.96.0.10:8080", false},
		{"WXGATE_PORT=tcp://wxgate:8080", false},
		{"WXGATE_SERVICE_HOST=web", false},
		{"WXGATE_SERVICE_PORT=http", false},
		{"WXGATE_LISTEN_PORT=8080", false},
		{"WXGATE_PORT_HTTP=8080", false},
		{"WXGATE_PORT_8080_TCP=8080", false},
		{"WXGATE_PORT_8080_TCP_ADDR=web", false},
		{"WXGATE_PORT_8080_TCP_PROTO=8080", false},
		{"WXGATE_PORT_8080_TCP_NAME=x", false},
		{"WXGATE_DEMO=1", false},
	} {
		t.Run(tt.entry, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load(environ(tt.entry))
			name, _, _ := strings.Cut(tt.entry, "=")
			reported := err != nil && strings.Contains(err.Error(), name+": unknown; the nearest known name is WXGATE_")
			if tt.ignored && err != nil || !tt.ignored && !reported {
				t.Errorf("Load with %s: %v, want ignored: %t", tt.entry, err, tt.ignored)
			}
		})
	}
}
