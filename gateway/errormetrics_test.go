package gateway_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway"
	"github.com/wxgate/wxgate/wechat"
)

// errorWords are the words of error responses.
var errorWords = []string{
	"unauthorized", "not_allowed", "not_following", "invalid_code", "invalid_state", "invalid_request", "wechat_error",
	"wechat_unavailable", "session_store_unavailable", "upstream_unavailable", "too_many_requests", "body_too_large",
	"unknown_site", "not_found", "method_not_allowed", "internal_error",
}

// Each refusal of WeChat counts under its code. The number of codes is limited, and a
// call that succeeds or does not reach WeChat has none.
func TestErrorCodesOfWeChat(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	of, err := gateway.ObserveWeChatBySite(registry)
	if err != nil {
		t.Fatal(err)
	}
	const api = "sns/oauth2/access_token"
	a, b := of("a.example.com"), of("b.example.com")
	a(t.Context(), api, nil, time.Second)
	a(t.Context(), api, fmt.Errorf("reset"), time.Second)
	for _, code := range []int{40164, 40164, -1, 40029} {
		a(t.Context(), api, fmt.Errorf("exchange code: %w", &wechat.Error{API: api, Code: code}), time.Second)
	}
	for code := range 200 {
		b(t.Context(), api, &wechat.Error{API: api, Code: 70000 + code}, time.Second)
	}
	got, codes := seriesOf(t, registry), map[string]bool{}
	for name, want := range map[string]float64{
		"errcode=40164,result=operator,site=a.example.com": 2,
		"errcode=-1,result=later,site=a.example.com":       1,
		"errcode=40029,result=visitor,site=a.example.com":  1,
		"errcode=40125,result=operator,site=a.example.com": 0, // there from the start
		"errcode=40029,result=visitor,site=b.example.com":  0,
		"errcode=70080,result=operator,site=b.example.com": 1,
	} {
		name = "wxgate_wechat_errors_total{api=" + api + "," + name + "}"
		if value, there := got[name]; !there || value != want {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	for name := range got {
		if _, code, ok := strings.Cut(name, "errcode="); ok {
			code, _, _ = strings.Cut(code, ",")
			codes[code] = true
		}
	}
	if len(codes) != 101 || !codes["other"] {
		t.Errorf("%d error codes, want 100 and \"other\": %v", len(codes), codes)
	}
}
