package main_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The check of a site tries a login at its hub.
func TestCheckOfAHub(t *testing.T) {
	t.Parallel()
	const key = "WXGATE_HUB_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	upstream := newUpstream(t, hello)
	origin := "http://" + freeAddress(t)
	hub := start(t, environment("", "WXGATE_MODE=forward-auth", "WXGATE_HUB_SITES=http://h5.example.com", key, "WXGATE_PUBLIC_URL="+origin, "WXGATE_LISTEN="+strings.TrimPrefix(origin, "http://")))
	hub.line(`"message":"started"`, `"hub_sites":["http://h5.example.com"]`)
	hub.listening("gateway")
	elsewhere := "http://" + start(t, environment(upstream, "WXGATE_PREFIX=/x", "WXGATE_PUBLIC_PATHS=/none")).listening("gateway")
	at, alerts := "WXGATE_HUB_URL="+origin, alerting(t)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for _, tt := range []struct {
		name string
		vars []string
		want string
	}{
		{"as it should be", []string{at}, "ok    hub: "},
		{"not one of its sites", []string{at, "WXGATE_PUBLIC_URL=http://shop2.example.com"}, "FAIL  hub: "},
		{"another prefix", []string{at, "WXGATE_PREFIX=/auth"}, "FAIL  hub: there is no /auth/login at "},
		{"another account", []string{at, "WXGATE_APP_ID=wx0000000000000009"}, "FAIL  hub: "},
		{"a wxgate under another prefix", []string{"WXGATE_HUB_URL=" + elsewhere}, "FAIL  hub: " + elsewhere + "/_wx/login does not belong to a hub; hint: "},
		{"no wxgate", []string{"WXGATE_HUB_URL=" + upstream}, "FAIL  hub: " + upstream + " answers 200 OK; hint: check that"},
		{"https to a plain port", []string{"WXGATE_HUB_URL=https" + strings.TrimPrefix(origin, "http")}, "FAIL  hub: https" + strings.TrimPrefix(origin, "http") + " does not speak TLS; hint: use http:// in WXGATE_HUB_URL, "},
		{"http to a TLS port", []string{"WXGATE_HUB_URL=http" + strings.TrimPrefix(secure.URL, "https")}, "FAIL  hub: http" + strings.TrimPrefix(secure.URL, "https") + " expects TLS; hint: use https:// in WXGATE_HUB_URL, "},
		{"http to a port that sends an alert", []string{"WXGATE_HUB_URL=" + alerts}, "FAIL  hub: " + alerts + " expects TLS; hint: "},
		{"nobody", []string{"WXGATE_HUB_URL=http://hub.invalid"}, "note  hub: http://hub.invalid does not answer this machine"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, environment(upstream, append(tt.vars, key, "WXGATE_WECHAT_API_URL=http://127.0.0.1:9")...), "check")
			p.exit()
			if out := p.stdout.String(); !strings.Contains(out, "\n"+tt.want) {
				t.Errorf("check says\n%swant a line that begins %q", out, tt.want)
			}
		})
	}
}
