package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionRenewal(t *testing.T) {
	t.Parallel()
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			w.WriteHeader(http.StatusEarlyHints)
		}
		if cache := r.URL.Query().Get("cache"); cache != "" {
			w.Header().Set("Cache-Control", cache)
		}
		w.Header().Add("Set-Cookie", "site=1")
		w.Header().Add("Set-Cookie", rigCookie+"=evil")
		if r.URL.Path == "/missing" {
			w.WriteHeader(http.StatusNotFound)
		}
	}), func(c *testConfig) { c.PublicPaths = []string{"/static/"} })
	tests := []struct {
		name, target string
		age          time.Duration
		renewed      bool
	}{
		{"fresh", "/", 0, false},
		{"before half", "/", 12*time.Hour - time.Minute, false},
		{"after half", "/", 12*time.Hour + time.Second, true},
		{"just alive", "/", 24*time.Hour - time.Minute, true},
		{"after a preliminary answer", "/early", 13 * time.Hour, true},
		{"on an error of the site", "/missing", 13 * time.Hour, true},
		{"on a public path", "/static/a.js", 13 * time.Hour, true},
		{"private answer", "/?cache=private,max-age=60", 13 * time.Hour, true},
		{"answer for everybody", "/?cache=public,max-age=60", 13 * time.Hour, false},
		{"answer for everybody, other spelling", "/?cache=max-age=60,+Public", 13 * time.Hour, false},
		{"answer for shared caches", "/?cache=s-maxage=60", 13 * time.Hour, false},
	}
	for _, test := range tests {
		old := signedIn(t, renewedAgo(test.age))
		a := rig.do(t, "GET", test.target, "Cookie", old)
		if got := a.sessionCookie(); (got != "") != test.renewed || got == "evil" {
			t.Errorf("%s: session cookie %q, want one: %t", test.name, got, test.renewed)
			continue
		}
		if !test.renewed {
			continue
		}
		// The renewed session is valid, and is not renewed again.
		again := rig.do(t, "GET", "/", "Cookie", rigCookie+"="+a.sessionCookie())
		if again.StatusCode != 200 || again.sessionCookie() != "" {
			t.Errorf("%s: the renewed session gets %d, Set-Cookie %q; want 200 and no cookie", test.name, again.StatusCode, again.Header["Set-Cookie"])
		}
	}
	if a := rig.do(t, "GET", "/", "Cookie", signedIn(t, renewedAgo(24*time.Hour))); a.StatusCode == 200 {
		t.Error("an expired session got in")
	}
}

// A slow answer does not renew the session: it could undo a sign-out that happened
// meanwhile.
func TestSlowAnswersDoNotRenew(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, http.NotFoundHandler())
	for _, test := range []struct {
		took    time.Duration
		renewed bool
	}{{time.Second, true}, {3 * time.Second, false}} {
		synctest.Test(t, func(t *testing.T) {
			handler := g.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(test.took) }))
			r := httptest.NewRequest("GET", rigOrigin+"/", nil)
			r.Header.Set("Cookie", signedIn(t, renewedAgo(13*time.Hour)))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if renewed := len(w.Result().Cookies()) > 0; renewed != test.renewed {
				t.Errorf("after %v: renewed = %t, want %t", test.took, renewed, test.renewed)
			}
		})
	}
}
