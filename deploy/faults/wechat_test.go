package faults_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

const exchangePath = "/sns/oauth2/access_token"

// With WeChat in trouble, visitors who have a session notice nothing. A login ends
// with a page that says so, and the visitor can sign in when WeChat is back.
func TestWeChatInTrouble(t *testing.T) {
	f := newFleet(t, options{environ: []string{"WXGATE_WECHAT_TIMEOUT=500ms"}})
	l := f.startLoad(loadOptions{})
	for _, tt := range []struct {
		name   string
		fault  wechattest.Fault
		toxic  string // on the way to WeChat
		status int    // of a login
	}{
		{"away", wechattest.Fault{}, "shut", 503},
		{"slow", wechattest.Fault{}, `{"type": "latency", "attributes": {"latency": 3000}}`, 503},
		{"resetting before", wechattest.Fault{Mode: wechattest.FaultResetBefore}, "", 503},
		{"resetting after", wechattest.Fault{Mode: wechattest.FaultResetAfter}, "", 503},
		{"resetting connections", wechattest.Fault{}, `{"type": "reset_peer"}`, 503},
		{"cutting answers", wechattest.Fault{}, `{"type": "limit_data", "attributes": {"bytes": 100}}`, 503},
		{"silent", wechattest.Fault{}, `{"type": "timeout", "attributes": {"timeout": 0}}`, 503},
		{"500", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 500}, "", 503},
		{"502", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 502}, "", 503},
		{"-1", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: -1}, "", 503},
		{"out of quota", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 45009}, "", 503},
		{"too fast", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 45011}, "", 503},
		{"huge", wechattest.Fault{Mode: wechattest.FaultHuge}, "", 503},
		{"wrong secret", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 40125}, "", 502},
	} {
		newcomer := f.newVisitor("newcomer-" + strings.ReplaceAll(tt.name, " ", "-"))
		repair := f.troubleWeChat(tt.fault, tt.toxic)
		for range 2 {
			newcomer.wantRefused(tt.status)
		}
		repair()
		newcomer.signIn()
		f.visitors = append(f.visitors, newcomer)
	}
	f.verdict(l.stop(), "200")
}

// troubleWeChat makes every exchange of a code fail, or puts a toxic on the way to
// WeChat ("shut": there is none). The function that it returns ends that.
func (f *fleet) troubleWeChat(fault wechattest.Fault, toxic string) (end func()) {
	f.t.Helper()
	switch {
	case toxic == "shut":
		f.toWeChat.shut()
		return f.toWeChat.open
	case toxic != "":
		f.toWeChat.damage(toxic)
		return f.toWeChat.repair
	}
	fault.Path, fault.Times = exchangePath, -1
	f.wx.Fault(fault)
	return f.wx.ClearFaults
}

// wantRefused checks that a login of the visitor ends with a page of that status.
func (v *visitor) wantRefused(status int) {
	v.fleet.t.Helper()
	page, err := v.tryToSignIn()
	switch {
	case err != nil:
		v.fleet.t.Errorf("%s: the login fails with %v, want a page", v.id, err)
	case page.Status != status:
		v.fleet.t.Errorf("%s: the login ends with %d %.300s, want %d", v.id, page.Status, page.Body, status)
	case status == 503 && page.Header.Get("Retry-After") == "":
		v.fleet.t.Errorf("%s: the page has no Retry-After", v.id)
	case v.cookies() != "":
		v.fleet.t.Errorf("%s has a session", v.id)
	}
}

// Many visitors who sign in while WeChat is slow hold up nobody.
func TestWeChatSlowForMany(t *testing.T) {
	f := newFleet(t, options{})
	newcomers := make([]*visitor, 50)
	for i := range newcomers {
		newcomers[i] = f.newVisitor(fmt.Sprintf("newcomer%02d", i))
	}
	seen := f.during(func() {
		f.wx.Fault(wechattest.Fault{
			Path: exchangePath, Mode: wechattest.FaultSlowHeader, Delay: time.Second, Times: -1,
		})
		done := make(chan error, len(newcomers))
		for _, v := range newcomers {
			go func() {
				page, err := v.tryToSignIn()
				if err == nil && page.Status != http.StatusOK {
					err = fmt.Errorf("status %d", page.Status)
				}
				done <- err
			}()
		}
		for range newcomers {
			if err := <-done; err != nil {
				t.Errorf("a slow login: %v, want the site", err)
			}
		}
	})
	f.visitors = append(f.visitors, newcomers...)
	f.verdict(seen, "200")
}
