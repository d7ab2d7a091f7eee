package main_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

const adminToken = "planted-admin-token-9f2c"

// stores are the session stores, with the variables that choose them.
var stores = map[string]string{"cookie": "WXGATE_SESSION_STORE=cookie", "redis": "WXGATE_SESSION_STORE=redis"}

// signIn signs the visitor in and returns the openid that the site sees.
func (f *replicas) signIn(t *testing.T) string {
	t.Helper()
	res, body := f.get(t, "/shop", true)
	openID, ok := strings.CutPrefix(body, "openid=o")
	if res.StatusCode != http.StatusOK || !ok {
		t.Fatalf("sign in: %s %q, want the site with an openid", res.Status, body)
	}
	return "o" + openID
}

// wantSignedOut waits until no replica knows the visitor, for less than the five
// seconds promised.
func (f *replicas) wantSignedOut(t *testing.T) {
	t.Helper()
	eventually(t, 5*time.Second, "the revocation holds on all replicas", func() bool {
		out := true
		for range f.addresses {
			res, _ := f.get(t, "/api/me", false)
			out = out && res.StatusCode == http.StatusUnauthorized
		}
		return out
	})
}

// A revocation ends the sessions on all replicas under either store, and a login after
// it, in the same second, is a new session on all of them.
func TestRevokeOnAllReplicas(t *testing.T) {
	t.Parallel()
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			settings := []string{store, "WXGATE_REDIS_URL=" + redis.URL(), "WXGATE_ADMIN_TOKEN=" + adminToken}
			f := startReplicas(t, 2, settings...)
			for _, p := range f.processes {
				p.line(`"message":"redis answers"`)
			}
			openID := f.signIn(t)
			end := "they end within five seconds on all replicas with redis://" + redis.Addr() + "/0\n"
			for _, way := range []struct {
				name   string
				revoke func() string // returns what it says
				want   string
			}{
				{"command", func() string { return runRevoke(t, settings, openID) },
					"revoked all sessions of " + openID + "; " + end},
				{"command for all", func() string { return runRevoke(t, settings, "--all") },
					"revoked all sessions of everybody; " + end},
				{"API", func() string { return f.postRevoke(t, 200, `{"openid":"`+openID+`"}`) }, `{"revoked":"openid"}` + "\n"},
				{"API for all", func() string { return f.postRevoke(t, 200, `{"all":true}`) }, `{"revoked":"all"}` + "\n"},
			} {
				if !f.signedIn(t) {
					t.Fatalf("%s: the visitor is not signed in before", way.name)
				}
				if got := way.revoke(); got != way.want {
					t.Errorf("%s says %q, want %q", way.name, got, way.want)
				}
				f.wantSignedOut(t)
				f.signIn(t)
				if !f.signedIn(t) {
					t.Errorf("%s: the login after it is no session everywhere", way.name)
				}
			}
			runRevoke(t, settings, "oSomebodyElse0123456789abcde")
			if !f.signedIn(t) {
				t.Error("the revocation of somebody else ends the session")
			}
			for _, p := range f.processes {
				if strings.Contains(p.stdout.String(), openID) {
					t.Errorf("the log holds the openid:\n%s", p.stdout.String())
				}
			}
		})
	}
}

// runRevoke runs `wxgate revoke` and returns its stdout.
func runRevoke(t *testing.T, settings []string, args ...string) string {
	t.Helper()
	p := start(t, environment("http://127.0.0.1:1", settings...), append([]string{"revoke"}, args...)...)
	if code := p.exit(); code != 0 || p.stderr.String() != "" {
		t.Fatalf("wxgate revoke exits with %d: %s", code, p.stderr.String())
	}
	return p.stdout.String()
}

// postRevoke asks the first replica to revoke and returns the response.
func (f *replicas) postRevoke(t *testing.T, status int, body string) string {
	t.Helper()
	address := "http://" + f.processes[0].listening("admin") + "/v1/revoke"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != status {
		t.Errorf("POST /v1/revoke %s = %d %s, want %d", body, res.StatusCode, text, status)
	}
	return string(text)
}

// Under the cookie store the gateway serves before Redis has answered, and says that
// revocations may be missing until it has.
func TestStartWithoutRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	redis.Stop()
	f := startReplicas(t, 1, "WXGATE_REDIS_URL="+redis.URL(), "WXGATE_ADMIN_TOKEN="+adminToken)
	admin := "http://" + f.processes[0].listening("admin")
	behind := func(want int) {
		t.Helper()
		eventually(t, patience, fmt.Sprintf("wxgate_revocations_behind is %d", want), func() bool {
			_, body := get(t, admin+"/metrics")
			return strings.Contains(body, fmt.Sprintf("\nwxgate_revocations_behind %d\n", want))
		})
	}
	behind(1)
	if status, body := get(t, admin+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz = %d %s, want 200: the cookie store needs no Redis", status, body)
	}
	openID := f.signIn(t)
	text := f.postRevoke(t, 503, `{"openid":"`+openID+`"}`)
	if !strings.Contains(text, `"error":"session_store_unavailable"`) {
		t.Errorf("POST /v1/revoke without Redis: %s", text)
	}
	if !f.signedIn(t) {
		t.Error("the session has ended without a revocation")
	}
	redis.Restart(t)
	behind(0)
	f.postRevoke(t, 200, `{"openid":"`+openID+`"}`)
	f.wantSignedOut(t)
	redis.Stop()
	behind(1)
	if f.signedIn(t) {
		t.Error("the revoked session is back while Redis is away")
	}
}

// Without Redis, POST /v1/revoke says so and does nothing.
func TestRevokeNotConfigured(t *testing.T) {
	t.Parallel()
	f := startReplicas(t, 1, "WXGATE_ADMIN_TOKEN="+adminToken)
	openID := f.signIn(t)
	text := f.postRevoke(t, 409, `{"openid":"`+openID+`"}`)
	if !strings.Contains(text, "Nothing was revoked") || !strings.Contains(text, "WXGATE_REDIS_URL") {
		t.Errorf("POST /v1/revoke: %s, want what is missing", text)
	}
	if !f.signedIn(t) {
		t.Error("the session has ended")
	}
}
