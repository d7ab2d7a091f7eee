package samplesite_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMe(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		header map[string]string
		want   map[string]any
	}{
		{"nobody", nil, map[string]any{"headers": map[string]any{}}},
		{
			"a visitor",
			map[string]string{
				"X-WX-OpenID": openID, "X-WX-Nickname": "%E5%B0%8F%E6%98%8E", "X-WX-Snapshot-User": "true",
				"X-WX-Access-Token": "planted", "Cookie": "planted=1",
			},
			map[string]any{
				"openid": openID, "nickname": "小明", "snapshot_user": true,
				"headers": map[string]any{
					"X-WX-OpenID": openID, "X-WX-Nickname": "%E5%B0%8F%E6%98%8E", "X-WX-Snapshot-User": "true",
				},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := ask(t, "GET", "/api/me", "", test.header)
			var got map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatalf("GET /api/me = %q: %v", w.Body, err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("GET /api/me (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	const refused = `{"error":"invalid_order","message":"an order is a JSON object with an item and a quantity of at least 1"}` + "\n"
	tests := []struct {
		name, body string
		header     map[string]string
		status     int
		want       string
	}{
		{"echoed with the openid", `{"item":"tea","quantity":2}`, nil, 200, `{"openid":"` + openID + `","item":"tea","quantity":2}` + "\n"},
		{"in someone else's name", `{"openid":"oOTHER","item":"tea","quantity":1}`, nil, 200, `{"openid":"` + openID + `","item":"tea","quantity":1}` + "\n"},
		{"no JSON", `item=tea`, nil, 400, refused},
		{"no item", `{"quantity":1}`, nil, 400, refused},
		{"none of it", `{"item":"tea","quantity":0}`, nil, 400, refused},
		{"from another site", `{"item":"tea","quantity":1}`, map[string]string{"Origin": "https://evil.example"}, 403, "cross-origin request detected, and/or browser is out of date: Sec-Fetch-Site is missing, and Origin does not match Host\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			header := map[string]string{"X-WX-OpenID": openID, "Content-Type": "application/json"}
			maps.Copy(header, test.header)
			w := ask(t, "POST", "/api/orders", test.body, header)
			if w.Code != test.status || w.Body.String() != test.want {
				t.Errorf("POST %s = %d %q, want %d %q", test.body, w.Code, w.Body, test.status, test.want)
			}
		})
	}
}
