package main_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"syscall"
	"testing"
)

// During the drain delay clients get a last answer on each connection, so that none
// sends a request on one that is being closed. WebSockets are opened still.
func TestDrainingEndsConnections(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		name := map[bool]string{false: "HTTP/1.1", true: "HTTP/2"}[http2]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			received := make(chan string, 1)
			site := newSocketSite(t, "", received)
			p := start(t, environment(newUpstream(t, hello), "WXGATE_UPSTREAM=/="+newUpstream(t, hello)+",/ws="+site,
				"WXGATE_DRAIN_DELAY=1h"))
			address := p.listening("gateway")
			protocols := new(http.Protocols)
			protocols.SetHTTP1(!http2)
			protocols.SetUnencryptedHTTP2(http2)
			client := &http.Client{Timeout: patience, Transport: &http.Transport{Protocols: protocols}}
			ask := func() (reused bool) {
				t.Helper()
				ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
					GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
				})
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/page", nil)
				if err != nil {
					t.Fatal(err)
				}
				res, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				if res.StatusCode != http.StatusOK || name[:6] != res.Proto[:6] {
					t.Errorf("POST /page = %s %s, want 200 by %s", res.Status, res.Proto, name)
				}
				return reused
			}
			ask()
			if !ask() {
				t.Error("before the shutdown a connection is not used again")
			}
			p.signal(syscall.SIGTERM)
			p.line(`"message":"shutting down"`)
			ask() // the last of its connection
			eventually(t, patience, "the connection is not used again", func() bool { return !ask() })
			for range 3 {
				if !http2 && ask() {
					t.Error("a connection is used again")
				}
			}
			openSocket(t, address, nil)
		})
	}
}
