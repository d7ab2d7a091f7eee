package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// Replicas share one legacy token and one ticket, check does not end them, and no log
// or record shows them.
func TestReplicasShareTheAccount(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	redis := redistest.Start(t)
	environ := environment(newUpstream(t, hello), "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_TOKEN_MODE=legacy",
		"WXGATE_REDIS_URL="+redis.URL(), "WXGATE_ADMIN_TOKEN=planted-bearer-token", "WXGATE_JSSDK=true")

	check := func() string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "wxgate", "check")
		c.Env = append(c.Environ(), environ...)
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "ok    wechat: AppID, AppSecret and IP allow-list accepted") {
			t.Errorf("check: %v\n%s", err, out)
		}
		return string(out)
	}
	var output strings.Builder
	output.WriteString(check()) // stores the token that it fetches
	var all []*process
	for range 3 {
		all = append(all, start(t, environ))
	}
	tokens := make(map[string]bool)
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, p := range all {
		gateway, admin := "http://"+p.listening("gateway"), "http://"+p.listening("admin")
		asking.Go(func() {
			if status, body := get(t, gateway+"/_wx/jssdk?url=http%3A%2F%2Fh5.example.com%2F"); status != 200 {
				t.Errorf("jssdk = %d %s", status, body)
			}
			token := accessToken(t, admin)
			mu.Lock()
			defer mu.Unlock()
			tokens[token] = true
		})
	}
	asking.Wait()
	if len(tokens) != 1 {
		t.Errorf("the replicas have %d different tokens, want 1", len(tokens))
	}
	calls := func(path string, want int) {
		t.Helper()
		if n := wx.Calls(path); n != want {
			t.Errorf("%s is asked %d times, want %d", path, n, want)
		}
	}
	calls("/cgi-bin/token", 1)
	calls("/cgi-bin/ticket/getticket", 1)
	calls("/cgi-bin/stable_token", 0)
	output.WriteString(check())
	calls("/cgi-bin/token", 1)
	calls("/cgi-bin/stable_token", 1) // for the AppSecret and the allow-list
	for key := range strings.Lines(redis.Do(t, "KEYS", "*")) {
		output.WriteString(key + redis.Do(t, "GET", strings.TrimSpace(key)))
	}
	redis.Stop()
	stopped := exec.CommandContext(t.Context(), "wxgate", "check")
	stopped.Env = append(stopped.Environ(), environ...)
	if out, _ := stopped.CombinedOutput(); !strings.Contains(string(out), "ok    wechat: ") {
		t.Errorf("check without Redis:\n%s", out)
	}
	calls("/cgi-bin/token", 1)
	wx.FreezeSecret(wechattest.StockAppID)
	c := exec.CommandContext(t.Context(), "wxgate", "check")
	c.Env = append(c.Environ(), environ...)
	if out, err := c.CombinedOutput(); err == nil || !strings.Contains(string(out), "40243") {
		t.Errorf("check with a frozen secret: %v, want a failure\n%s", err, out)
	}

	for _, p := range all {
		output.WriteString(p.stdout.String() + p.stderr.String())
	}
	for token := range tokens {
		if strings.Contains(output.String(), token) || strings.Contains(output.String(), wechattest.StockAppSecret) {
			t.Error("a log or Redis shows the token or the AppSecret")
		}
	}
}

// accessToken returns the token of the admin API.
func accessToken(t *testing.T, admin string) string {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, admin+"/v1/access_token", nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	r.Header.Set("Authorization", "Bearer planted-bearer-token")
	res, err := newClient(t).Do(r)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		t.Errorf("access_token = %s %s", res.Status, body)
	}
	return answer.AccessToken
}
