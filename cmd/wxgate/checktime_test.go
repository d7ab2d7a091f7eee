package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/wechat"
)

// silence is a transport whose server never answers.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// slowShared never gets the token from another replica.
type slowShared struct{}

func (slowShared) Lease(
	context.Context, wechat.Need, func(context.Context) (wechat.Lease, error),
) (wechat.Lease, error) {
	time.Sleep(time.Hour)
	return wechat.Lease{}, context.DeadlineExceeded
}

// The check of an account ends with the time of all checks, however long one call to WeChat
// may take.
func TestCheckOfWeChatEndsInTime(t *testing.T) {
	t.Parallel()
	const late = "FAIL  wechat: no answer in the time that check has: "
	const away = "FAIL  wechat: cgi-bin/stable_token: context deadline exceeded; hint: check that"
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		shared  wechat.Shared
		took    time.Duration // by the checks before it
		want    time.Duration
		line    string // what it begins with
	}{
		{"long timeout", time.Hour, nil, 0, checkTimeout, late},
		{"long timeout, little time left", time.Hour, nil, 19 * time.Second, time.Second, late},
		{"default timeout, little time left", 5 * time.Second, nil, 18 * time.Second, 2 * time.Second, late},
		{"short timeout", 5 * time.Second, nil, 0, 5 * time.Second, away},
		{"shared token", 5 * time.Second, slowShared{}, 0, checkTimeout, late},
		{"no time left", time.Hour, nil, checkTimeout, 0, "FAIL  wechat: not tried: the checks before it took 20s; hint: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				ctx, cancel := context.WithTimeout(t.Context(), checkTimeout)
				defer cancel()
				time.Sleep(tt.took)
				synctest.Wait()
				begin := time.Now()
				checkWeChat(ctx, &report{w: &out}, &wechat.TokenSource{
					Client: &wechat.Client{
						AppID: "wx7e57ab1ec0ffee01", AppSecret: "planted", APIURL: "https://api.example.com",
						Timeout: tt.timeout, Transport: silence{},
					},
					Shared: tt.shared,
				})
				if took := time.Since(begin); took != tt.want || !strings.HasPrefix(out.String(), tt.line) {
					t.Errorf("after %v: %s\nwant after %v: %s", took, out.String(), tt.want, tt.line)
				}
				time.Sleep(2 * time.Hour) // the call that check no longer waits for ends
			})
		})
	}
}

// An upstream that accepts a connection and says nothing is given no more than the time that
// is left.
func TestCheckOfASilentUpstreamEndsInTime(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Minute: 2 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			defer cancel()
			conn, server := net.Pipe()
			go io.Copy(io.Discard, server)
			begin := time.Now()
			probe := &upstreamProbe{scheme: "http", network: "tcp", target: "192.0.2.1:80", host: "h5.example.com"}
			if wrong := probe.wrongProtocol(ctx, conn); wrong.says != "" || time.Since(begin) != want {
				t.Errorf("with %v left: %q after %v, want nothing after %v", left, wrong.says, time.Since(begin), want)
			}
			server.Close()
		})
	}
}

// A check for which no time is left is not tried, and says so.
func TestChecksWithoutTimeAreNotTried(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{
		"WXGATE_APP_ID=wx7e57ab1ec0ffee01", "WXGATE_APP_SECRET=0123456789abcdef0123456789abcdef",
		"WXGATE_COOKIE_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "WXGATE_PUBLIC_URL=https://h5.example.com",
		"WXGATE_UPSTREAM=/=http://192.0.2.1,/api/=https://192.0.2.2",
		"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MTA=",
		"WXGATE_REDIS_URL=redis://192.0.2.3",
	})
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	report := &report{w: &out}
	checkRedis(over, report, cfg)
	checkSite(over, report, cfg)
	for _, name := range []string{"redis", "hub", "upstream /", "upstream /api/"} {
		want := "FAIL  " + name + ": not tried: the checks before it took 20s; hint: correct first what they say\n"
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report is\n%swant %s", out.String(), want)
		}
	}
}
