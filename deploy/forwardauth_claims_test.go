package deploy_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func (f front) testIdentityClaims(t *testing.T, v *visitor) {
	f.testForgedHeaders(t, newVisitor(t), v)

	// A proxy removes the headers that Connection names.
	named := http.Header{"Connection": {"X-WX-OpenID, X-WX-Source, Cookie, X-Forwarded-Uri"}}
	if f.habits.dropsNamed {
		reached := f.site.watch()
		if res := v.get(t, f.origin+"/orders", named); res.StatusCode != 401 || reached() {
			t.Errorf("Cookie named in Connection = %d, site reached %t, want 401: the proxy removes the header",
				res.StatusCode, reached())
		}
		named["Connection"] = []string{"X-WX-OpenID, X-WX-Source, X-Forwarded-Uri"}
	}
	got := f.reached(t, v.get(t, f.origin+"/orders", named))
	if got.Header.Get("X-Wx-Openid") == "" || got.Header.Get("X-Wx-Source") == "" {
		t.Errorf("a client's Connection header removed identity headers: %q", got.Header)
	}

	// Trailers arrive after the auth request.
	conn := f.dial(t)
	fmt.Fprintf(conn, "POST /orders HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nTransfer-Encoding: chunked\r\n"+
		"Trailer: X-WX-OpenID\r\n\r\n2\r\nab\r\n0\r\nX-WX-OpenID: forged\r\n\r\n", f.address, v.cookies(t, f.origin))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	got = f.reached(t, readAnswer(t, answer))
	if have := got.Header.Get("X-Wx-Openid"); have == "" || strings.Contains(have, "forged") {
		t.Errorf("site got openid %q with a forged trailer", have)
	}
}

// testForgedHeaders sends every identity header, in several spellings, from a visitor
// without a session and from one who is signed in.
func (f front) testForgedHeaders(t *testing.T, nobody, v *visitor) {
	for who, v := range map[string]*visitor{"nobody": nobody, "visitor": v} {
		for _, target := range []string{"/static/a.css", "/orders"} {
			if who == "nobody" && target == "/orders" {
				continue // does not reach the site
			}
			headers := http.Header{}
			for _, name := range claimedHeaders {
				underscored, rest := strings.ReplaceAll(name, "-", "_"), strings.TrimPrefix(name, "X-WX-")
				for _, spelling := range []string{
					name, underscored, strings.ToLower(underscored), strings.ReplaceAll(name, "-", "."),
					"x-wx_" + rest, "X-WX." + rest,
				} {
					headers[spelling] = []string{"forged"}
				}
			}
			got := f.reached(t, v.get(t, f.origin+target, headers))
			for name, values := range got.Header {
				if strings.Contains(strings.Join(values, " "), "forged") {
					t.Errorf("%s on %s: site got %s %q", who, target, name, values)
				}
			}
			if signedIn := got.Header.Get("X-Wx-Openid") != ""; signedIn != (who == "visitor") {
				t.Errorf("%s on %s: site got openid %q", who, target, got.Header.Get("X-Wx-Openid"))
			}
		}
	}
}

func (f front) testRequestClaims(t *testing.T, v *visitor) {
	claims := map[string]string{
		"X-Forwarded-Uri":    "/static/a.css",
		"X-Forwarded-Method": "GET",
		"X-Forwarded-Host":   "forged.example.com",
		"X-Forwarded-Proto":  "https",
		"X-Forwarded-For":    "192.0.2.7",
		"X-Original-Uri":     "/static/a.css",
		"X-Original-Url":     f.origin + "/static/a.css",
		"X-Original-Method":  "GET",
		"X-Rewrite-Url":      "/static/a.css",
		"Forwarded":          "for=192.0.2.7;host=forged.example.com",
		"X-Request-Id":       "forged",
		"Traceparent":        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"Tracestate":         "forged=1",
		"Baggage":            "user=forged",
		"X_Forwarded_Uri":    "/static/a.css",
		"X_Original_Uri":     "/static/a.css",
	}
	all := http.Header{}
	for name, value := range claims {
		t.Run(name, func(t *testing.T) {
			reached := f.site.watch()
			res := newVisitor(t).get(t, f.origin+"/orders", http.Header{name: {value}, "Sec-Fetch-Mode": {"cors"}})
			if res.StatusCode != 401 || reached() {
				t.Errorf("GET /orders with %s: %s = %d, site reached %t, want 401, not reached",
					name, value, res.StatusCode, reached())
			}
		})
		all[name] = []string{value}
	}
	got := f.reached(t, v.get(t, f.origin+"/orders", all))
	for name, claim := range claims {
		name = http.CanonicalHeaderKey(name) // as the site reads it
		if values := got.Header[name]; strings.Contains(strings.Join(values, " "), claim) {
			t.Errorf("site got the client's %s %q", name, values)
		}
	}
	if have := got.Header.Get("X-Forwarded-For"); have != "127.0.0.1" {
		t.Errorf("site got X-Forwarded-For %q, want 127.0.0.1", have)
	}
}

func (f front) testPathTricks(t *testing.T) {
	targets := []string{
		"/static/../orders", "/static/..%2forders", "/static/..%2Forders", "/static/%2e%2e/orders",
		"/static/%2e%2e%2forders", "/static/.%2e/orders", "/static/..;/orders", "/static/..%5corders",
		`/static/..\orders`, "/static/%252e%252e/orders", "/static/..%252forders", "/static//../orders",
		"/static/x/../../orders", "/static/%c0%ae%c0%ae/orders", "//orders", "///orders", "//static/../orders",
		"/./orders", "/orders;.css", "/orders/;/static/", "/orders%23/static/", "/orders?/static/",
		"/orders%3f/static/", "/orders#/static/a", "/static/#/../orders", "/static/%00/../orders",
		"/static%2f..%2forders", "/orders/%2e%2e/static/%2e%2e/orders", "/ORDERS", "/Static/a.css", "/static",
		"/static%2fa.css", "/_wx/../orders", "/_wx/..%2forders", "/_wx/%2e%2e/orders", "/_wx/..;/orders",
		"//_wx/../orders", "/_wx//../orders", "/_wx", "/_wx;/orders", "/_wxorders", "/_WX/../orders",
		"/_wx/auth/../../orders", "/_wx-check", "/_wx-check/orders", "/MP_verify_abc123.txt/../orders",
		"/MP_verify_abc123.txt/orders", "/orders/MP_verify_abc123.txt", "/orders%2fMP_verify_abc123.txt",
		"/MP_verify_/../orders.txt", "http://" + f.address + "/static/../orders", "http://" + f.address + "/orders",
		"http://static/orders", "http://static.example.com/static/../orders", "*", "orders",
	}
	for _, target := range targets {
		for _, method := range []string{"GET", "POST", "PROPFIND"} {
			reached := f.site.watch()
			conn := f.dial(t)
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Mode: cors\r\nConnection: close\r\n"+
				"Content-Length: 0\r\n\r\n", method, target, f.address)
			answer, err := io.ReadAll(conn)
			if err != nil && len(answer) == 0 {
				continue // a closed connection is a refusal too
			}
			status, _, _ := strings.Cut(string(answer), "\r\n")
			if public, ok := f.habits.rewrites[target]; ok {
				if !strings.Contains(string(answer), `"Target":"`+public+`"`) {
					t.Errorf("%s %s = %s, want the site's answer to %s", method, target, status, public)
				}
				continue
			}
			if reached() || strings.HasPrefix(status, "HTTP/1.1 2") {
				t.Errorf("%s %s = %s, site reached %t, want refused", method, target, status, reached())
			}
		}
	}
}
