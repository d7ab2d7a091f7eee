package wechat_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat"
)

// Each contains characters that look different when escaped.
const (
	plantedSecret = "planted secret/+=1"
	plantedCode   = "planted code/+=2"
	plantedToken  = "planted token/+=3"
	plantedOpenID = "planted openid/+=4"
)

// For every failure, no error text shows a secret of the call.
func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	serveTLS := httptest.NewUnstartedServer(http.NotFoundHandler())
	serveTLS.Config.ErrorLog = log.New(io.Discard, "", 0) // without the failing handshakes
	serveTLS.StartTLS()
	t.Cleanup(serveTLS.Close)
	failures := map[string]func(*testing.T) *wechat.Client{
		"timeout": func(t *testing.T) *wechat.Client {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			})
			c.Timeout = 50 * time.Millisecond
			return c
		},
		"refused connection": func(t *testing.T) *wechat.Client {
			server := httptest.NewServer(nil)
			server.Close()
			return &wechat.Client{APIURL: server.URL}
		},
		"reset": func(t *testing.T) *wechat.Client {
			return &wechat.Client{APIURL: answerRaw(t, func(string) string { return "" })}
		},
		"reset in the body": func(t *testing.T) *wechat.Client {
			return &wechat.Client{APIURL: answerRaw(t, func(string) string {
				return "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"errcode\":"
			})}
		},
		"not TLS": func(t *testing.T) *wechat.Client {
			return &wechat.Client{APIURL: "https" + strings.TrimPrefix(answerRaw(t, func(request string) string { return request }), "http")}
		},
		"certificate": func(t *testing.T) *wechat.Client { return &wechat.Client{APIURL: serveTLS.URL} },
		"bad address": func(t *testing.T) *wechat.Client { return &wechat.Client{APIURL: "http://[::1"} },
		"bad scheme":  func(t *testing.T) *wechat.Client { return &wechat.Client{APIURL: "ftp://127.0.0.1"} },
		"no host":     func(t *testing.T) *wechat.Client { return &wechat.Client{APIURL: "http://"} },
		"echo instead of HTTP": func(t *testing.T) *wechat.Client {
			return &wechat.Client{APIURL: answerRaw(t, func(request string) string { return request })}
		},
		"echo in a header": func(t *testing.T) *wechat.Client {
			return &wechat.Client{APIURL: answerRaw(t, func(request string) string { return "HTTP/1.1 200 OK\r\n" + request })}
		},
		"redirect": func(t *testing.T) *wechat.Client {
			return serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/again"+r.URL.String(), http.StatusFound)
			})
		},
		"bad redirect": func(t *testing.T) *wechat.Client {
			return serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "http://[::1/?"+r.URL.RawQuery)
				w.WriteHeader(http.StatusFound)
			})
		},
		"status 500": func(t *testing.T) *wechat.Client {
			return serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.Error(w, "<html>"+r.URL.String(), http.StatusInternalServerError)
			})
		},
		"echo as errmsg":  func(t *testing.T) *wechat.Client { return serve(t, echo(`{"errcode":40029,"errmsg":%q}`)) },
		"echo as errcode": func(t *testing.T) *wechat.Client { return serve(t, echo(`{"errcode":%q}`)) },
		"echo as openid":  func(t *testing.T) *wechat.Client { return serve(t, echo(`{"errcode":null,"openid":%q}`)) },
		"echo as names":   func(t *testing.T) *wechat.Client { return serve(t, echo(`{"openid":{%q:1}}`)) },
		"transport with the address": func(t *testing.T) *wechat.Client {
			return &wechat.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return nil, fmt.Errorf("round trip: %w", &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("lost " + r.URL.String())})
			})}
		},
	}
	calls := map[string]func(context.Context, *wechat.Client) error{
		"Exchange": func(ctx context.Context, c *wechat.Client) error { _, err := c.Exchange(ctx, plantedCode); return err },
		"Refresh":  func(ctx context.Context, c *wechat.Client) error { _, err := c.Refresh(ctx, plantedToken); return err },
		"CheckToken": func(ctx context.Context, c *wechat.Client) error {
			return c.CheckToken(ctx, plantedToken, plantedOpenID)
		},
		"UserInfo": func(ctx context.Context, c *wechat.Client) error {
			_, err := c.UserInfo(ctx, plantedToken, plantedOpenID, "")
			return err
		},
		"StableToken": func(ctx context.Context, c *wechat.Client) error { _, err := c.StableToken(ctx, false); return err },
		"LegacyToken": func(ctx context.Context, c *wechat.Client) error { _, err := c.LegacyToken(ctx); return err },
		"Token": func(ctx context.Context, c *wechat.Client) error {
			_, err := (&wechat.TokenSource{Client: c}).Token(ctx)
			return err
		},
		"User": func(ctx context.Context, c *wechat.Client) error {
			_, err := withToken(c).User(ctx, plantedOpenID)
			return err
		},
		"Users": func(ctx context.Context, c *wechat.Client) error {
			_, err := withToken(c).Users(ctx, []string{plantedOpenID})
			return err
		},
		"Followers": func(ctx context.Context, c *wechat.Client) error {
			for _, err := range withToken(c).Followers(ctx, plantedOpenID) {
				return err
			}
			return nil
		},
		"Config": func(ctx context.Context, c *wechat.Client) error {
			_, err := (&wechat.TicketSource{Tokens: withToken(c)}).Config(ctx, "https://h5.example.com/")
			return err
		},
	}
	for failure, prepare := range failures {
		t.Run(failure, func(t *testing.T) {
			t.Parallel()
			for call, run := range calls {
				c := prepare(t)
				c.AppID, c.AppSecret = "wx1", plantedSecret
				var observed error
				c.Observe = func(_ context.Context, _ string, err error, _ time.Duration) { observed = err }
				err := run(t.Context(), c)
				if err == nil {
					t.Errorf("%s succeeded", call)
					continue
				}
				if observed != err {
					t.Errorf("%s: observed %v, want %v", call, observed, err)
				}
				checkErrorText(t, err)
				if failure == "bad address" && strings.Contains(err.Error(), "://") {
					t.Errorf("%s: %q holds the whole address", call, err)
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					for _, text := range []string{e.Error(), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e)} {
						if strings.Contains(text, "planted") {
							t.Errorf("%s: %q shows a secret", call, text)
						}
					}
				}
			}
		})
	}
}

// withToken returns a source that already has a token, so that a failure of c is
// that of the call itself.
func withToken(c *wechat.Client) *wechat.TokenSource {
	own := &wechat.Client{AppSecret: c.AppSecret, Transport: answering(200, `{"access_token":"planted-token","expires_in":7200}`)}
	s := &wechat.TokenSource{Client: own}
	s.Token(context.Background())
	s.Client = c
	return s
}

// echo answers with format, filled with the values of the request, plain and
// escaped.
func echo(format string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		values := []string{r.URL.String()}
		for _, v := range r.URL.Query() {
			values = append(values, v...)
		}
		body, _ := io.ReadAll(r.Body)
		for _, v := range []string{plantedSecret, plantedOpenID} {
			if bytes.Contains(body, []byte(v)) {
				values = append(values, v)
			}
		}
		fmt.Fprintf(w, format, strings.Join(values, " "))
	}
}

// answerRaw starts a server that reads the first line of a request, sends what
// answer returns for it (empty: it resets the connection), and closes the
// connection. It returns the server's address.
func answerRaw(t *testing.T, answer func(request string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			if text := answer(line); text != "" {
				io.WriteString(conn, text)
			} else {
				conn.(*net.TCPConn).SetLinger(0) // resets it
			}
			conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestTransportErrorText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"dial tcp 127.0.0.1:1: connection refused": "dial tcp 127.0.0.1:1: connection refused",
		"a\xff\r\nb": "a\ufffdb",
		`malformed HTTP response "{\"access_token\":\"fresh\"}"`:   "malformed HTTP response …",
		strings.Repeat("中", 1000):                                  strings.Repeat("中", 170),
		"secret s3cret, code c0de, https://x/?secret=s3cret&code=": "secret [redacted], code [redacted], https://x/?secret=[redacted]&code=",
	} {
		c := &wechat.Client{AppSecret: "s3cret", Transport: roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New(in) })}
		_, err := c.Exchange(t.Context(), "c0de")
		if want = "sns/oauth2/access_token: " + want; err == nil || err.Error() != want {
			t.Errorf("Exchange = %q, want %q", err, want)
		}
	}
}

func TestErrmsgIsRedacted(t *testing.T) {
	t.Parallel()
	x := strings.Repeat("x", 508)
	tests := []struct {
		name, code, errmsg, want string
	}{
		{"secret and code", "c0de", "s3cret c0de rid", "[redacted] [redacted] rid"},
		{"escaped", "a/b c", "code=a%2Fb%20c", "code=[redacted]"},
		{"secret where the text is cut", "c0de", x + "s3cret", x + "[red"},
		{"code that overlaps the secret", "=s3", "code=s3 secret=s3cret", "code[redacted] secret=[redacted]"}, // a visitor chooses it
		{"no code", "", "missing code", "missing code"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := &wechat.Client{AppSecret: "s3cret", Transport: answering(200, `{"errcode":-1,"errmsg":"`+test.errmsg+`"}`)}
			_, err := c.Exchange(t.Context(), test.code)
			if want := "sns/oauth2/access_token: errcode -1: " + test.want; err == nil || err.Error() != want {
				t.Errorf("Exchange = %q, want %q", err, want)
			}
		})
	}
}
