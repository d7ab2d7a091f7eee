package relay_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/panics"
	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// bug is a transport that panics.
type bug struct{}

func (bug) RoundTrip(*http.Request) (*http.Response, error) { panic("a bug") }

// The line about a panic has the id of the call's access line.
func TestPanicLineHasTheRequestID(t *testing.T) {
	t.Parallel()
	log := new(safeBuffer)
	client := &wechat.Client{AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, Transport: bug{}}
	l, err := relay.New(relay.Config{
		Tokens: &wechat.TokenSource{Client: client}, Paths: []string{"/cgi-bin/menu/get"},
		Logger: zerolog.New(log), AccessLog: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(panics.Handler(l, zerolog.New(log)))
	t.Cleanup(s.Close)
	if res, err := http.DefaultTransport.RoundTrip(httptest.NewRequestWithContext(
		t.Context(), "POST", s.URL+"/cgi-bin/menu/get", nil,
	)); err == nil {
		res.Body.Close()
		t.Errorf("the caller gets status %d, want a broken connection", res.StatusCode)
	}
	ids := make(map[string]string)
	for text := range strings.Lines(log.String()) {
		var line struct {
			Message   string
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		ids[line.Message] = line.RequestID
	}
	if len(ids) != 2 || ids["panic"] == "" || ids["panic"] != ids["request"] {
		t.Errorf("log %s, want an access line and a panic with the same id", log)
	}
}
