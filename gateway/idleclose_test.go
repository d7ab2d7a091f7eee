package gateway_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway"
)

// Requests share a connection, with a body or without, since an upstream may have one
// worker for each. When Run ends, the gateway keeps none.
func TestRunClosesIdleConnections(t *testing.T) {
	t.Parallel()
	states := make(chan http.ConnState, 10)
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello")
	}))
	site.Config.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	site.Start()
	defer site.Close()
	g, _ := newGateway(t, nil, func(c *testConfig) {
		c.Upstreams = []gateway.Upstream{{Prefix: "/", URL: mustURL(t, site.URL)}}
		c.PublicPaths = []string{"/static/"}
	})
	for _, body := range []string{"", "", "a body"} {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "https://"+rigHost+"/static/a", strings.NewReader(body))
		g.ServeHTTP(w, r)
		if w.Body.String() != "hello" {
			t.Fatalf("the site answers %d %q", w.Code, w.Body)
		}
	}
	ctx, end := context.WithCancel(t.Context())
	end()
	g.Run(ctx)
	opened := 0
	for {
		select {
		case state := <-states:
			if state == http.StateNew {
				opened++
			}
			if state == http.StateClosed {
				if opened != 1 {
					t.Errorf("%d connections for one request after the other, want 1", opened)
				}
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the connection is still open")
		}
	}
}
