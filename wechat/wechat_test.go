package wechat_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxgate/wxgate/wechat"
)

const grantBody = `{"access_token":"AT","expires_in":7200,"refresh_token":"RT","openid":"oVisitor","scope":"snsapi_base"}`

// roundTrip is a transport without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a transport with the same response for every request.
func answering(status int, body string) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status,
			Header:     http.Header{"Content-Type": {"text/plain"}},
			Body:       io.NopCloser(strings.NewReader(body)),
			Request:    r,
		}, nil
	})
}

// serve starts a server with h and returns a client for it.
func serve(t *testing.T, h http.HandlerFunc) *wechat.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &wechat.Client{AppID: "wx0123456789abcdef", AppSecret: "s3cret", APIURL: server.URL}
}

func TestExchangeReadsBody(t *testing.T) {
	t.Parallel()
	pad := func(n int) string { return strings.Repeat(" ", n) }
	const maxBody = 1 << 20
	tests := []struct {
		name   string
		status int
		body   string
		want   string // "grant", "away" or the errcode
	}{
		{"grant", 200, grantBody, "grant"},
		{"byte order mark", 200, "\ufeff" + grantBody, "grant"},
		{"spaces around", 200, "\r\n\t" + grantBody + "\n", "grant"},
		{"unknown fields", 200, strings.Replace(grantBody, "{", `{"new":{"a":[1]},`, 1), "grant"},
		{"errcode 0", 200, strings.Replace(grantBody, "{", `{"errcode":0,"errmsg":"ok",`, 1), "grant"},
		{"errcode null", 200, strings.Replace(grantBody, "{", `{"errcode":null,`, 1), "grant"},
		{"number in quotes", 200, strings.Replace(grantBody, "7200", `"7200"`, 1), "grant"},
		{"escaped slash", 200, strings.Replace(grantBody, "AT", `A\/T`, 1), "grant"},
		{"just within the limit", 200, grantBody + pad(maxBody-len(grantBody)), "grant"},

		{"refusal", 200, `{"errcode":40029,"errmsg":"invalid code, rid: 65c17d8c-5cf05990-781aabe9"}`, "40029"},
		{"refusal in quotes", 200, `{"errcode":"40163","errmsg":"code been used"}`, "40163"},
		{"refusal with status 500", 500, `{"errcode":-1,"errmsg":"system error"}`, "-1"},
		{"refusal with status 302", 302, `{"errcode":40013}`, "40013"},
		{"refusal beside a grant", 200, strings.Replace(grantBody, "{", `{"errcode":40029,`, 1), "40029"},

		{"empty", 200, "", "away"},
		{"empty object", 200, "{}", "away"},
		{"null", 200, "null", "away"},
		{"array", 200, "[]", "away"},
		{"string", 200, `"ok"`, "away"},
		{"truncated", 200, grantBody[:len(grantBody)-20], "away"},
		{"two answers", 200, grantBody + grantBody, "away"},
		{"HTML with status 200", 200, "<html>captive portal</html>", "away"},
		{"HTML with status 502", 502, "<html>bad gateway</html>", "away"},
		{"grant with status 500", 500, grantBody, "away"},
		{"grant with status 201", 201, grantBody, "away"},
		{"no openid", 200, `{"access_token":"AT","expires_in":7200,"scope":"snsapi_base"}`, "away"},
		{"empty openid", 200, strings.Replace(grantBody, "oVisitor", "", 1), "away"},
		{"openid null", 200, strings.Replace(grantBody, `"oVisitor"`, "null", 1), "away"},
		{"openid a number", 200, strings.Replace(grantBody, `"oVisitor"`, "7", 1), "away"},
		{"openid with a space", 200, strings.Replace(grantBody, "oVisitor", "o Visitor", 1), "away"},
		{"openid with a line break", 200, strings.Replace(grantBody, "oVisitor", `o\r\nX-WX-OpenID: p`, 1), "away"},
		{"openid not ASCII", 200, strings.Replace(grantBody, "oVisitor", "openid中", 1), "away"},
		{"openid of 128 bytes", 200, strings.Replace(grantBody, "oVisitor", strings.Repeat("o", 128), 1), "grant"},
		{"openid of 129 bytes", 200, strings.Replace(grantBody, "oVisitor", strings.Repeat("o", 129), 1), "away"},
		{"unionid with a space", 200, strings.Replace(grantBody, "{", `{"unionid":"a b",`, 1), "away"},
		{"no token", 200, `{"openid":"oVisitor","scope":"snsapi_base"}`, "away"},
		{"token with a line break", 200, strings.Replace(grantBody, "AT", `A\nT`, 1), "away"},
		{"scope with a line break", 200, strings.Replace(grantBody, "snsapi_base", `a\nb`, 1), "away"},
		{"scope a list", 200, strings.Replace(grantBody, `"snsapi_base"`, `["snsapi_base"]`, 1), "away"},
		{"lifetime a word", 200, strings.Replace(grantBody, "7200", `"soon"`, 1), "away"},
		{"openid in the wrong field", 200, strings.Replace(grantBody, "7200", `"oVisitor"`, 1), "away"},
		{"lifetime too long", 200, strings.Replace(grantBody, "7200", "72000000000", 1), "away"},
		{"lifetime negative", 200, strings.Replace(grantBody, "7200", "-1", 1), "away"},
		{"errcode a word", 200, `{"errcode":"no","errmsg":"no"}`, "away"},
		{"over the limit", 200, grantBody + pad(maxBody-len(grantBody)+1), "away"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				w.WriteHeader(test.status)
				io.WriteString(w, test.body)
			})
			grant, err := c.Exchange(t.Context(), "code")
			if got := outcome(grant != nil, err); got != test.want {
				t.Errorf("Exchange = %s (%v), want %s", got, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "oVisitor") {
				t.Errorf("error text %q shows the openid", err)
			}
		})
	}
}

// outcome tells in which of the three ways a call ended.
func outcome(answered bool, err error) string {
	refusal, refused := errors.AsType[*wechat.Error](err)
	switch {
	case refused && !answered:
		return fmt.Sprint(refusal.Code)
	case err != nil && !answered:
		return "away"
	case err == nil && answered:
		return "grant"
	}
	return "both an answer and an error, or neither"
}

func TestBodyLimitCountsDecompressed(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]string{1 << 10: "grant", 64 << 20: "away"} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				t.Errorf("Accept-Encoding = %q, want gzip in it", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, grantBody)
			spaces := bytes.Repeat([]byte(" "), 1<<10)
			for range size / len(spaces) {
				if _, err := z.Write(spaces); err != nil {
					return // the client stopped reading
				}
			}
			z.Close()
		})
		grant, err := c.Exchange(t.Context(), "code")
		if got := outcome(grant != nil, err); got != want {
			t.Errorf("%d bytes: Exchange = %s (%v), want %s", size, got, err, want)
		}
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/elsewhere") {
				t.Errorf("status %d: the redirect was followed", status)
			}
			http.Redirect(w, r, "/elsewhere"+r.URL.String(), status)
		})
		grant, err := c.Exchange(t.Context(), "code")
		if got := outcome(grant != nil, err); got != "away" {
			t.Errorf("status %d: Exchange = %s (%v), want away", status, got, err)
		}
		err = c.CheckToken(t.Context(), "AT", "oVisitor")
		if got := outcome(err == nil, err); got != "away" {
			t.Errorf("status %d: CheckToken = %s (%v), want away", status, got, err)
		}
	}
}

func TestAPIURLWithPath(t *testing.T) {
	t.Parallel()
	var asked string
	c := &wechat.Client{APIURL: "http://proxy.internal/wechat//", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.Scheme + "://" + r.URL.Host + r.URL.Path
		return answering(200, grantBody).RoundTrip(r)
	})}
	if _, err := c.Exchange(t.Context(), "code"); err != nil {
		t.Fatal(err)
	}
	if want := "http://proxy.internal/wechat/sns/oauth2/access_token"; asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	silent := roundTrip(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	silentBody := roundTrip(func(r *http.Request) (*http.Response, error) {
		body, w := io.Pipe()
		context.AfterFunc(r.Context(), func() { w.CloseWithError(r.Context().Err()) })
		return &http.Response{StatusCode: 200, Body: body, Request: r}, nil
	})
	tests := []struct {
		name      string
		transport http.RoundTripper
		timeout   time.Duration // the client's
		patience  time.Duration // the caller's; 0: none
		cancel    time.Duration // when the caller leaves; 0: never
		want      time.Duration
		wantErr   error
	}{
		{"default", silent, 0, 0, 0, 5 * time.Second, context.DeadlineExceeded},
		{"own", silent, 2 * time.Second, 0, 0, 2 * time.Second, context.DeadlineExceeded},
		{"in the body", silentBody, 2 * time.Second, 0, 0, 2 * time.Second, context.DeadlineExceeded},
		{"caller's is shorter", silent, 0, time.Second, 0, time.Second, context.DeadlineExceeded},
		{"caller's is longer", silent, 0, time.Minute, 0, 5 * time.Second, context.DeadlineExceeded},
		{"caller leaves", silent, 0, 0, time.Second, time.Second, context.Canceled},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.patience > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.patience)
					defer cancel()
				}
				if test.cancel > 0 {
					time.AfterFunc(test.cancel, cancel)
				}
				c := &wechat.Client{Timeout: test.timeout, Transport: test.transport}
				start := time.Now()
				_, err := c.Exchange(ctx, "code")
				if elapsed := time.Since(start); elapsed != test.want {
					t.Errorf("Exchange took %v, want %v", elapsed, test.want)
				}
				if !errors.Is(err, test.wantErr) {
					t.Errorf("Exchange = %v, want %v", err, test.wantErr)
				}
			})
		})
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type observation struct {
			api     string
			err     error
			elapsed time.Duration
		}
		var calls []observation
		c := &wechat.Client{Observe: func(_ context.Context, api string, err error, elapsed time.Duration) {
			calls = append(calls, observation{api, err, elapsed})
		}}
		slow := func(body string) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				time.Sleep(3 * time.Second)
				return answering(200, body).RoundTrip(r)
			})
		}
		c.Transport = slow(grantBody)
		_, err1 := c.Exchange(t.Context(), "code")
		c.Transport = slow("{}") // neither refused nor usable
		_, err2 := c.StableToken(t.Context(), false)
		want := []observation{
			{"sns/oauth2/access_token", err1, 3 * time.Second},
			{"cgi-bin/stable_token", err2, 3 * time.Second},
		}
		if len(calls) != 2 || calls[0] != want[0] || calls[1] != want[1] || err1 != nil || err2 == nil {
			t.Errorf("observed %v, want %v", calls, want)
		}
	})
}

func TestClientIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, grantBody) })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Exchange(t.Context(), "code"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
