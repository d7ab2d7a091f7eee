package redistest_test

import (
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

func TestStart(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options redistest.Options
	}{
		{"plain", redistest.Options{}},
		{"real", redistest.Options{Real: true}},
		{"TLS", redistest.Options{TLS: true}},
		{"password", redistest.Options{Password: "se cret\"1"}},
		{"users", redistest.Options{TLS: true, Users: map[string]string{
			"default": "off", "wxgate": "on >secret ~wxgate:* &wxgate:* +@all",
		}}},
		{"args", redistest.Options{Args: []string{"--maxmemory", "10mb"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, test.options)
			if got := s.Do(t, "PING"); got != "PONG" {
				t.Errorf("PING = %q, want PONG", got)
			}
		})
	}
}
