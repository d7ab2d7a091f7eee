package main_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What may not be meant is one warning at the start, with the variable and a hint.
func TestStartWarnings(t *testing.T) {
	t.Parallel()
	const emulator = "WXGATE_WECHAT_OPEN_URL=http://127.0.0.1:9"
	for _, tt := range []struct {
		name    string
		changes []string
		want    []string // variable: message
	}{
		{"none", []string{"WXGATE_PUBLIC_URL=https://h5.example.com"}, nil},
		{
			"account of an unusual form", []string{
				"WXGATE_PUBLIC_URL=https://h5.example.com", "WXGATE_APP_ID=wx7e57", "WXGATE_APP_SECRET=planted",
				"WXGATE_QR_APP_ID=wx7e58", "WXGATE_QR_APP_SECRET=planted",
			},
			[]string{
				"WXGATE_APP_ID: AppID of an unusual form", "WXGATE_APP_SECRET: AppSecret of an unusual form",
				"WXGATE_QR_APP_ID: AppID of an unusual form", "WXGATE_QR_APP_SECRET: AppSecret of an unusual form",
			},
		},
		{"public URL over http", nil, []string{"WXGATE_PUBLIC_URL: public URL over plain http"}},
		{
			"port that WeChat refuses", []string{"WXGATE_PUBLIC_URL=https://h5.example.com:8443"},
			[]string{"WXGATE_PUBLIC_URL: WeChat refuses a callback with a port (error 10003)"},
		},
		{"port that an emulator accepts", []string{"WXGATE_PUBLIC_URL=https://h5.example.com:8443", emulator}, nil},
		{"address that an emulator accepts", []string{"WXGATE_PUBLIC_URL=http://127.0.0.1:8080", emulator}, nil},
		{
			"values that two sites share",
			[]string{
				"WXGATE_PUBLIC_URL=", "WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com",
				"WXGATE_TRUSTED_PROXIES=::/0", "WXGATE_SESSION_TTL=5s", "WXGATE_SITES_1_PUBLIC_PATHS=PUT /",
			},
			[]string{
				"WXGATE_TRUSTED_PROXIES: trusted proxies cover much of the internet",
				"WXGATE_SESSION_TTL: sessions end within a minute",
				"WXGATE_SITES_1_PUBLIC_PATHS: public paths open nearly everything",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, environment(newUpstream(t, hello), tt.changes...))
			p.line(`"message":"started"`)
			p.signal(syscall.SIGTERM)
			p.exit()
			var got []string
			for line := range strings.Lines(p.stdout.String()) {
				var entry struct{ Level, Message, Variable, Hint string }
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					t.Fatal(err)
				}
				if entry.Level == "warn" {
					got = append(got, entry.Variable+": "+entry.Message)
				}
				if strings.Contains(line, "planted") {
					t.Errorf("%s shows a secret", line)
				}
				if entry.Level == "warn" && entry.Hint == "" {
					t.Errorf("no hint in %s", line)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}
