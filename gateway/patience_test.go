package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines is a response that notes the read deadlines set on it.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}

// A client that announces a body and sends none must not hold a connection
// for ever, unless the body is the site's.
func TestUnforwardedBodiesHaveADeadline(t *testing.T) {
	t.Parallel()
	g, _ := newGateway(t, http.NotFoundHandler())
	handler := g.Wrap(http.NotFoundHandler())
	tests := []struct {
		name, method, target, cookie, body string
		bounded                            bool
	}{
		{"refused", "POST", "/orders", "", "x", true},
		{"own", "POST", "/_wx/logout", "", "x", true},
		{"own, unknown", "POST", "/_wx/nothing", "", "x", true},
		{"login", "GET", "/", "", "x", true},
		{"forwarded", "POST", "/orders", signedIn(t), "x", false},
		{"no body", "POST", "/orders", "", "", false},
	}
	for _, test := range tests {
		r := httptest.NewRequest(test.method, rigOrigin+test.target, strings.NewReader(test.body))
		r.Header.Set("Cookie", test.cookie)
		w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
		handler.ServeHTTP(w, r)
		if bounded := len(w.set) > 0 && !w.set[len(w.set)-1].IsZero(); bounded != test.bounded {
			t.Errorf("%s: read deadlines %v, want one that holds: %t", test.name, w.set, test.bounded)
		}
	}
}

// An answer that took long could undo a sign-out that happened meanwhile.
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

// What the upstream answers must not get into the log by way of an error.
func TestMalformedAnswersAreNotQuotedInTheLog(t *testing.T) {
	t.Parallel()
	const secret = "oSECRET-echoed-by-the-site"
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Echo "+secret+"\r\n\r\n")
	})
	var log strings.Builder
	rig := newRig(t, site, func(c *testConfig) { c.Logger = c.Logger.Output(&log) })
	a := rig.do(t, "GET", "/", "Cookie", signedIn(t))
	if a.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d, want 502", a.StatusCode)
	}
	rig.Close()
	if strings.Contains(log.String(), secret) || !strings.Contains(log.String(), "upstream_unavailable") {
		t.Errorf("the log says %q", log.String())
	}
}

// A trailer is no place for a cookie: an intermediary may merge it into the
// header, behind the check of the gateway's own.
func TestCookiesInTrailersAreDropped(t *testing.T) {
	t.Parallel()
	for _, announced := range []bool{true, false} {
		rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if announced {
				w.Header().Set("Trailer", "Set-Cookie, X-Sum")
			}
			io.WriteString(w, "body")
			http.NewResponseController(w).Flush()
			w.Header().Set(http.TrailerPrefix+"Set-Cookie", rigCookie+"=evil")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		}))
		a := rig.do(t, "GET", "/", "Cookie", signedIn(t))
		if a.Trailer.Get("Set-Cookie") != "" || a.Trailer.Get("X-Sum") != "1" {
			t.Errorf("announced %t: trailers %v, want X-Sum alone", announced, a.Trailer)
		}
	}
}

// A line of the log must not grow with what a client sends.
func TestAccessLinesAreBounded(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	g, _ := newGateway(t, http.NotFoundHandler(), func(c *testConfig) { c.Logger = c.Logger.Output(&log) })
	r := httptest.NewRequest("GET", rigOrigin+"/"+strings.Repeat("%FF", 20000), nil)
	g.ServeHTTP(httptest.NewRecorder(), r)
	if n := log.Len(); n == 0 || n > 10<<10 {
		t.Errorf("the lines have %d bytes", n)
	}
}
