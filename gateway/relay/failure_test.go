package relay_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestRelayFailures(t *testing.T) {
	t.Parallel()
	const tokenPath, apiPath = "/cgi-bin/stable_token", "/cgi-bin/user/info"
	for _, test := range []struct {
		name   string
		fault  wechattest.Fault
		status int
		word   string
		log    string
	}{
		{
			"secret refused", wechattest.Fault{Path: tokenPath, Mode: wechattest.FaultErrcode, Code: 40125},
			502, "wechat_error", `"hint":"the AppSecret`,
		},
		{
			"token endpoint hangs", wechattest.Fault{Path: tokenPath, Mode: wechattest.FaultHang},
			503, "wechat_unavailable", `"level":"warn"`,
		},
		{
			"API aborts", wechattest.Fault{Path: apiPath, Mode: wechattest.FaultResetBefore},
			503, "wechat_unavailable", `"level":"warn"`,
		},
		{
			"API hangs", wechattest.Fault{Path: apiPath, Mode: wechattest.FaultHang},
			503, "wechat_unavailable", `"level":"warn"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil, apiPath)
			test.fault.Times = -1
			l.wx.Fault(test.fault)
			got := l.do("GET", apiPath+"?openid=planted", nil)
			if cache := got.header.Get("Cache-Control"); cache != "no-store" {
				t.Errorf("Cache-Control = %q, want no-store", cache)
			}
			if got.status != test.status || !strings.Contains(got.body, `"error":"`+test.word+`"`) ||
				!strings.Contains(got.body, `"request_id":"`) || !strings.Contains(l.log.String(), test.log) {
				t.Errorf("= %v with the log %s, want %d %s and %s", got, l.log, test.status, test.word, test.log)
			}
		})
	}
}

// A client that leaves is no failure of WeChat's.
func TestRelayClientLeaves(t *testing.T) {
	t.Parallel()
	called := make(chan struct{})
	l := newLab(t, func(_ http.ResponseWriter, r *http.Request) {
		close(called)
		<-r.Context().Done()
	}, "/x")
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "http://relay/x", nil)
	done := make(chan struct{})
	go func() {
		l.relay.ServeHTTP(httptest.NewRecorder(), r)
		close(done)
	}()
	<-called
	leave()
	<-done
	got := l.log.String()
	if !strings.Contains(got, `"status":499`) || strings.Count(got, "\n") != 1 {
		t.Errorf("log %s, want one access line with 499", got)
	}
}

// net/http quotes a malformed response in its error. The quoted part may contain an
// openid or the token and is not logged.
func TestRelayDoesNotLogMalformedResponses(t *testing.T) {
	t.Parallel()
	for _, response := range []string{
		"openid=planted\r\n\r\n", "HTTP/1.1 200 OK\r\nopenid planted\r\n\r\n", "query %s\r\n\r\n",
	} {
		l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			io.WriteString(conn, strings.Replace(response, "%s", r.URL.RawQuery, 1))
		}, "/x")
		got := l.do("GET", "/x", nil) // searches the log for "planted" and the token
		if got.status != 503 || !strings.Contains(l.log.String(), "malformed") {
			t.Errorf("%q: %v with the log %s, want 503 and the reason", response, got, l.log)
		}
	}
}

// lateBody is a request body whose rest does not arrive before the deadline that a
// server sets for it.
type lateBody struct {
	io.Reader
	late func()
}

func (b *lateBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		b.late()
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

func (b *lateBody) Close() error { return nil }

// A body that does not arrive in time is the client's fault, not WeChat's.
func TestRelayLateUpload(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		cancels bool // whether the server cancels the call too
		length  int64
	}{
		{"HTTP/1.1", true, 4 << 20}, {"HTTP/1.1, chunked", true, -1},
		{"HTTP/2", false, 4 << 20}, {"HTTP/2, length unknown", false, -1},
	} {
		for _, size := range []int{0, 100, 2 << 20} {
			l := newLab(t, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }, "/x")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := httptest.NewRequestWithContext(ctx, "POST", "http://relay/x", nil)
			late := func() {}
			if test.cancels {
				late = cancel
			}
			r.Body, r.ContentLength = &lateBody{bytes.NewReader(make([]byte, size)), late}, test.length
			w := httptest.NewRecorder()
			l.relay.ServeHTTP(w, r)
			if w.Code != 408 || !strings.Contains(w.Body.String(), `"error":"invalid_request"`) {
				t.Errorf("%s, after %d bytes: %d %s, want 408 invalid_request", test.name, size, w.Code, w.Body)
			}
		}
	}
}

// A body that cannot be read is the client's fault, not WeChat's.
func TestRelayBrokenUpload(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 100, 2 << 20} {
		called := make(chan bool, 1)
		l := newLab(t, func(_ http.ResponseWriter, r *http.Request) {
			called <- true
			io.Copy(io.Discard, r.Body)
		}, "/x")
		conn, err := net.Dial("tcp", strings.TrimPrefix(l.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: relay\r\nTransfer-Encoding: chunked\r\n\r\n")
		if size > 0 {
			fmt.Fprintf(conn, "%x\r\n%s\r\n", size, make([]byte, size))
		}
		io.WriteString(conn, "no number\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 400 || !strings.Contains(string(body), `"error":"invalid_request"`) {
			t.Errorf("after %d bytes: %d %s, want 400 invalid_request", size, res.StatusCode, body)
		}
		if size < 1<<20 && len(called) > 0 {
			t.Errorf("after %d bytes: WeChat is called", size)
		}
	}
}
