package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// Run gives up a question to WeChat that no request waits for, and nobody is asked
// after that.
func TestRunEndsQuestions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newLoginMemorySite(t, requireFollow)
		g, err := gateway.New(s.config().whole())
		if err != nil {
			t.Fatal(err)
		}
		s.use(g.Wrap(s.upstream))
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			g.Run(ctx)
			close(ended)
		}()
		b := s.browser()
		b.Visitor = "lihua"
		s.signIn(b)
		time.Sleep(time.Hour)
		s.wx.Fault(wechattest.Fault{Path: userPath, Times: -1, Mode: wechattest.FaultHang})
		s.wantAdmitted(b, "while WeChat hangs")
		synctest.Wait()
		before := time.Now()
		end()
		<-ended
		if took := time.Since(before); took > 0 {
			t.Errorf("Run ended after %s, want at once", took)
		}
		if strings.Contains(s.log.String(), "follow check failed") {
			t.Errorf("log %s, want nothing about a question that was given up", s.log)
		}
		calls := s.wx.Calls(userPath)
		time.Sleep(time.Minute)
		s.wantAdmitted(b, "after Run")
		s.wantFollowCalls(calls, "after Run")
	})
}

// panicking is a transport that panics while it is on.
type panicking struct {
	http.RoundTripper
	on atomic.Bool
}

func (p *panicking) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.on.Load() && r.URL.Path == userPath {
		panic("planted")
	}
	return p.RoundTripper.RoundTrip(r)
}

// A panic while WeChat is asked is logged and ends nothing else. The visitor is
// asked about again.
func TestQuestionPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		transport := new(panicking)
		transport.on.Store(true)
		s := newLoginMemorySite(t, func(c *testConfig) {
			transport.RoundTripper = c.Account.Transport
			c.Account.Transport = transport
			requireFollow(c)
		})
		b := s.browser()
		b.Visitor = "lihua"
		if page := s.open(b, "/shop"); page.Status != http.StatusServiceUnavailable {
			t.Errorf("page while the question panics: %d, want 503", page.Status)
		}
		synctest.Wait() // the log comes after the answer
		panics := s.log.level("error")
		if len(panics) != 1 || strings.Contains(panics[0], "planted") || !strings.Contains(panics[0], "RoundTrip") {
			t.Errorf("errors in the log: %q, want the panic with its stack", panics)
		}
		transport.on.Store(false)
		time.Sleep(time.Minute)
		s.wantAdmitted(b, "later")
	})
}
