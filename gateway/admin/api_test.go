package admin_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/admin"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

const bearer = "planted-bearer-0123456789"

// newAPI returns a handler with the emulator's account, the emulator and the log.
func newAPI(t *testing.T) (*admin.Handler, *wechattest.Emulator, *bytes.Buffer) {
	t.Helper()
	wx, err := wechattest.New(wechattest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	log := new(bytes.Buffer)
	return newHandler(t, admin.Config{
		Token: bearer,
		Tokens: []*wechat.TokenSource{{Client: &wechat.Client{
			AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, Transport: wx.Transport(),
		}}},
		Logger: zerolog.New(log),
	}), wx, log
}

func requestAPI(t *testing.T, h http.Handler, method, path string, authorization ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.Header["Authorization"] = authorization
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAccessToken(t *testing.T) {
	t.Parallel()
	h, wx, _ := newAPI(t)
	first := accessToken(t, h)
	if second := accessToken(t, h); first == "" || strings.Contains(first, "redacted") || second != first {
		t.Errorf("access tokens %q and %q, want the same one twice", first, second)
	}
	if n := wx.Calls("/cgi-bin/stable_token"); n != 1 {
		t.Errorf("WeChat is called %d times, want once", n)
	}
}

// accessToken requests the access token and checks the response.
func accessToken(t *testing.T, h http.Handler) string {
	t.Helper()
	w := requestAPI(t, h, "GET", "/v1/access_token", "Bearer "+bearer)
	var got struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("GET /v1/access_token = %d %s, %v", w.Code, w.Body, err)
	}
	if got.ExpiresIn < 7100 || got.ExpiresIn > 7200 {
		t.Errorf("expires_in = %d, want the seconds left of two hours", got.ExpiresIn)
	}
	header := w.Header()
	if header.Get("Cache-Control") != "no-store" || header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("header %v, want JSON that is not stored", header)
	}
	return got.AccessToken
}

func TestBearer(t *testing.T) {
	t.Parallel()
	h, wx, _ := newAPI(t)
	tests := []struct {
		name          string
		authorization []string
		status        int
	}{
		{"right", []string{"Bearer " + bearer}, 200},
		{"scheme in lower case", []string{"bearer " + bearer}, 200},
		{"none", nil, 401},
		{"empty", []string{""}, 401},
		{"no bearer", []string{"Bearer"}, 401},
		{"empty bearer", []string{"Bearer "}, 401},
		{"wrong", []string{"Bearer x" + bearer[1:]}, 401},
		{"shorter", []string{"Bearer " + bearer[:10]}, 401},
		{"longer", []string{"Bearer " + bearer + "x"}, 401},
		{"other case", []string{"Bearer " + strings.ToUpper(bearer)}, 401},
		{"other scheme", []string{"Basic " + bearer}, 401},
		{"no scheme", []string{bearer}, 401},
		{"twice", []string{"Bearer " + bearer, "Bearer x"}, 401},
	}
	for _, test := range tests {
		w := requestAPI(t, h, "GET", "/v1/access_token", test.authorization...)
		if w.Code != test.status {
			t.Errorf("%s: %d, want %d", test.name, w.Code, test.status)
		}
		if w.Code != 401 {
			continue
		}
		var got struct {
			Error     string `json:"error"`
			Message   string `json:"message"`
			RequestID string `json:"request_id"`
		}
		err := json.Unmarshal(w.Body.Bytes(), &got)
		if err != nil || got.Error != "unauthorized" || got.Message == "" || got.RequestID == "" {
			t.Errorf("%s: body %s, %v", test.name, w.Body, err)
		}
		if w.Header().Get("WWW-Authenticate") != "Bearer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: header %v", test.name, w.Header())
		}
	}
	if n := wx.Calls("/cgi-bin/stable_token"); n != 1 {
		t.Errorf("WeChat is called %d times, want once, for the right token", n)
	}
}

func TestAPIPathsAndMethods(t *testing.T) {
	t.Parallel()
	h, _, _ := newAPI(t)
	off := newHandler(t, admin.Config{})
	tests := []struct {
		name, method, path string
		handler            http.Handler
		authorization      string
		status             int
	}{
		{"unknown path, no token", "GET", "/v1/other", h, "", 401},
		{"unknown path", "GET", "/v1/other", h, "Bearer " + bearer, 404},
		{"wrong method", "POST", "/v1/access_token", h, "Bearer " + bearer, 405},
		{"the only account", "GET", "/v1/access_token?appid=" + wechattest.StockAppID, h, "Bearer " + bearer, 200},
		{"another account", "GET", "/v1/access_token?appid=wx9", h, "Bearer " + bearer, 400},
		{"off", "GET", "/v1/access_token", off, "", 404},
		{"off, with an empty bearer", "GET", "/v1/access_token", off, "Bearer ", 404},
		{"health needs no token", "GET", "/healthz", h, "", 200},
	}
	for _, test := range tests {
		if w := requestAPI(t, test.handler, test.method, test.path, test.authorization); w.Code != test.status {
			t.Errorf("%s: %d, want %d", test.name, w.Code, test.status)
		}
	}
}

// WeChat's errors are distinguished, and neither the response nor the log contains a
// secret.
func TestAccessTokenFailures(t *testing.T) {
	t.Parallel()
	errcode := func(code int) wechattest.Fault { return wechattest.Fault{Mode: wechattest.FaultErrcode, Code: code} }
	tests := []struct {
		name   string
		fault  wechattest.Fault
		status int
		word   string
		log    string // a regular expression
	}{
		{"wrong secret", errcode(40125), 502, "wechat_error", `"level":"error".*"hint":"the AppSecret does not belong`},
		{"unlisted address", errcode(40164), 502, "wechat_error", `"level":"error".*"hint":"add `},
		{"unknown refusal", errcode(99999), 502, "wechat_error", `"level":"error"`},
		{"busy", errcode(-1), 503, "wechat_unavailable", `"level":"warn"`},
		{"quota", errcode(45009), 503, "wechat_unavailable", `"level":"warn"`},
		{"broken", wechattest.Fault{Mode: wechattest.FaultHTML}, 503, "wechat_unavailable", `"level":"warn"`},
		{"down", wechattest.Fault{Mode: wechattest.FaultStatus}, 503, "wechat_unavailable", `"level":"warn"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h, wx, log := newAPI(t)
			test.fault.Times = -1
			wx.Fault(test.fault)
			w := requestAPI(t, h, "GET", "/v1/access_token", "Bearer "+bearer)
			if w.Code != test.status || !strings.Contains(w.Body.String(), `"error":"`+test.word+`"`) {
				t.Errorf("= %d %s, want %d %s", w.Code, w.Body, test.status, test.word)
			}
			retry := w.Header().Get("Retry-After") != ""
			if retry != (test.status == 503) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("header %v, want Retry-After: %t and no-store", w.Header(), test.status == 503)
			}
			if !regexp.MustCompile(test.log).Match(log.Bytes()) {
				t.Errorf("log %s, want %s in it", log, test.log)
			}
			for _, secret := range []string{bearer, wechattest.StockAppSecret} {
				if strings.Contains(log.String()+w.Body.String(), secret) {
					t.Errorf("the log %s or the response %s contains a secret", log, w.Body)
				}
			}
		})
	}
}

// A cached token is served while WeChat does not respond.
func TestAccessTokenOutlivesWeChat(t *testing.T) {
	t.Parallel()
	h, wx, _ := newAPI(t)
	requestAPI(t, h, "GET", "/v1/access_token", "Bearer "+bearer)
	wx.Fault(wechattest.Fault{Mode: wechattest.FaultHang, Times: -1})
	start := time.Now()
	w := requestAPI(t, h, "GET", "/v1/access_token", "Bearer "+bearer)
	if w.Code != 200 || time.Since(start) > time.Second {
		t.Errorf("= %d after %v, want 200 at once", w.Code, time.Since(start))
	}
}
