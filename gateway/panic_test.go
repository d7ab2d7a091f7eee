package gateway_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/panics"
)

// The line about a panic has the id of the request's access line.
func TestPanicLineHasTheRequestID(t *testing.T) {
	t.Parallel()
	bug := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") })
	log := new(logBuffer)
	g, rig := newGateway(t, nil)
	rig.Server = httptest.NewServer(panics.Handler(g.Wrap(bug), zerolog.New(log)))
	t.Cleanup(rig.Close)
	res, err := rig.Client().Transport.RoundTrip(rig.newRequest(t, "POST", "/orders?code=1", nil, "Cookie", signedIn(t)))
	if err == nil {
		res.Body.Close()
		t.Errorf("the visitor gets status %d, want a broken connection", res.StatusCode)
	}
	access := rig.lines.next(t)
	lines := log.level("error")
	if len(lines) != 1 {
		t.Fatalf("lines at level error: %q, want one", lines)
	}
	var line map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
		t.Fatal(err)
	}
	if access["request_id"] == nil || line["request_id"] != access["request_id"] || line["path"] != "/orders" {
		t.Errorf("line %v, want path and request_id of the access line %v", line, access)
	}
}
