package wechattest_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

const exchangePath = "/sns/oauth2/access_token"

// seen is what a client gets over a socket when there is a fault.
type seen struct {
	status      int
	contentType string
	encoding    string
	body        string
	err         error
	took        time.Duration
}

func look(t *testing.T, address string, limit time.Duration) seen {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	begun := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return seen{err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return seen{res.StatusCode, res.Header.Get("Content-Type"), res.Header.Get("Content-Encoding"), string(body), err, time.Since(begun)}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault wechattest.Fault
		used  bool // the code is used afterwards
		want  func(seen) bool
	}{
		{"errcode", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 40226}, false, func(s seen) bool {
			return s.status == 200 && s.contentType == "text/plain" && strings.HasPrefix(s.body, `{"errcode":40226,"errmsg":"high risk user blocked, rid: `)
		}},
		{"errcode and text", wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 7, Message: "odd"}, false, func(s seen) bool {
			return strings.HasPrefix(s.body, `{"errcode":7,"errmsg":"odd, rid: `)
		}},
		{"busy", wechattest.Fault{Mode: wechattest.FaultErrcode}, false, func(s seen) bool { return strings.HasPrefix(s.body, `{"errcode":-1,`) }},
		{"status", wechattest.Fault{Mode: wechattest.FaultStatus}, false, func(s seen) bool { return s.status == 502 && strings.Contains(s.body, "<html>") }},
		{"status 503", wechattest.Fault{Mode: wechattest.FaultStatus, Status: 503}, false, func(s seen) bool { return s.status == 503 }},
		{"html", wechattest.Fault{Mode: wechattest.FaultHTML}, false, func(s seen) bool { return s.status == 200 && strings.Contains(s.body, "<html>") }},
		{"empty", wechattest.Fault{Mode: wechattest.FaultEmpty}, false, func(s seen) bool { return s.status == 200 && s.body == "" }},
		{"huge", wechattest.Fault{Mode: wechattest.FaultHuge}, false, func(s seen) bool { return len(s.body) > 10<<20 && json.Valid([]byte(s.body)) }},
		{"hang", wechattest.Fault{Mode: wechattest.FaultHang}, false, func(s seen) bool { return errors.Is(s.err, context.DeadlineExceeded) }},
		{"reset before", wechattest.Fault{Mode: wechattest.FaultResetBefore}, false, func(s seen) bool { return errors.Is(s.err, syscall.ECONNRESET) }},
		{"slow header", wechattest.Fault{Mode: wechattest.FaultSlowHeader, Delay: 200 * time.Millisecond}, true, func(s seen) bool {
			return s.took >= 200*time.Millisecond && strings.Contains(s.body, "openid")
		}},
		{"slow header, client leaves", wechattest.Fault{Mode: wechattest.FaultSlowHeader, Delay: time.Hour}, true, func(s seen) bool {
			return errors.Is(s.err, context.DeadlineExceeded)
		}},
		{"slow body", wechattest.Fault{Mode: wechattest.FaultSlowBody, Delay: 200 * time.Millisecond}, true, func(s seen) bool {
			return s.took >= 200*time.Millisecond && json.Valid([]byte(s.body))
		}},
		{"slow body, client leaves", wechattest.Fault{Mode: wechattest.FaultSlowBody, Delay: time.Hour}, true, func(s seen) bool {
			return s.status == 200 && s.body != "" && errors.Is(s.err, context.DeadlineExceeded)
		}},
		{"truncated", wechattest.Fault{Mode: wechattest.FaultTruncated}, true, func(s seen) bool {
			return s.err == nil && strings.HasPrefix(s.body, `{"access_token"`) && !json.Valid([]byte(s.body))
		}},
		{"wrong types", wechattest.Fault{Mode: wechattest.FaultWrongTypes}, true, func(s seen) bool {
			return strings.Contains(s.body, `"expires_in":"7200"`) && json.Valid([]byte(s.body))
		}},
		{"no openid", wechattest.Fault{Mode: wechattest.FaultNoOpenID}, true, func(s seen) bool {
			return strings.Contains(s.body, "access_token") && !strings.Contains(s.body, "openid")
		}},
		{"content type", wechattest.Fault{Mode: wechattest.FaultContentType}, true, func(s seen) bool {
			return strings.HasPrefix(s.contentType, "text/html") && json.Valid([]byte(s.body))
		}},
		{"gzip", wechattest.Fault{Mode: wechattest.FaultGzip}, true, func(s seen) bool {
			z, err := gzip.NewReader(strings.NewReader(s.body))
			if err != nil {
				return false
			}
			plain, err := io.ReadAll(z)
			return s.encoding == "gzip" && err == nil && json.Valid(plain)
		}},
		{"reset after", wechattest.Fault{Mode: wechattest.FaultResetAfter}, true, func(s seen) bool { return errors.Is(s.err, syscall.ECONNRESET) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wx := wechattest.NewServer()
			defer wx.Close()
			e := &emulator{wx.Emulator, t}
			code := e.login("snsapi_base", nil)
			address := wx.URL + exchangePath + "?" + query("appid", wechattest.StockAppID, "secret", wechattest.StockAppSecret,
				"code", code, "grant_type", "authorization_code")
			test.fault.Path = exchangePath
			wx.Fault(test.fault)
			limit := 10 * time.Second
			if test.fault.Mode == wechattest.FaultHang || test.fault.Delay == time.Hour {
				limit = 300 * time.Millisecond
			}
			if got := look(t, address, limit); !test.want(got) {
				t.Errorf("saw status %d, type %q, body %.100q, error %v after %v", got.status, got.contentType, got.body, got.err, got.took)
			}
			want := 0
			if test.used {
				want = 40163
			}
			if got := e.exchange(code); got.code() != want {
				t.Errorf("the code afterwards = %s, want %d", got.body, want)
			}
			line := wx.Requests()[1]
			if wx.Calls(exchangePath) != 2 || line.Fault != test.fault.Mode || (line.Status == 200) != test.used {
				t.Errorf("log: %d calls, fault %q, status %d; want 2, %q, processed = %t",
					wx.Calls(exchangePath), line.Fault, line.Status, test.fault.Mode, test.used)
			}
		})
	}
}

func TestFaultMatching(t *testing.T) {
	t.Parallel()
	e := newEmulator(t, wechattest.Config{Accounts: []wechattest.Account{wechattest.StockAccount(), frozen()}})
	token := e.stable(false).text("access_token")
	e.Fault(wechattest.Fault{Path: "/cgi-bin/user/get", AppID: "frozen", Mode: wechattest.FaultErrcode, Code: 1})
	e.Fault(wechattest.Fault{Path: "/cgi-bin/user/get", AppID: wechattest.StockAppID, Times: 2, Mode: wechattest.FaultErrcode, Code: 2})
	e.Fault(wechattest.Fault{Path: "/cgi-bin/stable_token", AppID: wechattest.StockAppID, Times: -1, Mode: wechattest.FaultErrcode, Code: 3})
	list := func() int { return e.get("/cgi-bin/user/get", "access_token", token).code() }
	if got := fmt.Sprint(list(), list(), list()); got != "2 2 0" {
		t.Errorf("errcodes by the token's account, two times = %s, want 2 2 0", got)
	}
	if got := fmt.Sprint(e.stable(false).code(), e.stable(false).code(), e.stable(false).code()); got != "3 3 3" {
		t.Errorf("errcodes by the body's account, until cleared = %s, want 3 3 3", got)
	}
	if n := len(e.Faults()); n != 2 {
		t.Errorf("%d faults are left, want 2", n)
	}
	e.ClearFaults()
	if got := e.stable(false).code(); got != 0 {
		t.Errorf("after ClearFaults = %d, want 0", got)
	}
	e.Fault(wechattest.Fault{Mode: wechattest.FaultErrcode, Code: 10009})
	if a := e.openAuthorize(nil); a.status != 429 || !strings.Contains(a.body, "10009") {
		t.Errorf("fault of the authorize page = %d %q, want a page with 10009", a.status, heading(a.body))
	}
}

func TestCloseEndsHangingRequests(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	wx.Fault(wechattest.Fault{Mode: wechattest.FaultHang})
	got := make(chan seen)
	go func() { got <- look(t, wx.URL+"/sns/auth", time.Minute) }()
	for len(wx.Requests()) == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the request never came")
		}
		runtime.Gosched()
	}
	wx.Close()
	if s := <-got; s.err == nil {
		t.Errorf("hanging request = %+v, want an error", s)
	}
}
