package main_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// discard reads whole bodies.
func discard(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }

// Every listener ends a connection whose client does not send the body that it
// announced.
func TestServeCutsOffStalledClients(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, discard), "WXGATE_STALL_TIMEOUT=1s", "WXGATE_PUBLIC_PATHS=/open",
		"WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=/cgi-bin/message/custom/send"))
	for _, test := range []struct {
		server, path string
		status       int
	}{
		{"gateway", "/open", 408},
		{"gateway", "/closed", 401},
		{"gateway", "/_wx/logout", 303},
		{"admin", "/healthz", 405},
		{"relay", "/cgi-bin/message/custom/send", 408},
		{"relay", "/cgi-bin/user/get", 403},
	} {
		t.Run(test.server+test.path, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", p.listening(test.server))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			io.WriteString(conn, "POST "+test.path+" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
			reader := bufio.NewReader(conn)
			res, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != test.status {
				t.Errorf("status %d, want %d", res.StatusCode, test.status)
			}
			if _, err := io.Copy(io.Discard, reader); err != nil {
				t.Errorf("%v, want the end of the connection", err)
			}
		})
	}
}

// A client that is cut off is in the log, with the variable that did it.
func TestStalledClientIsLogged(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, discard), "WXGATE_STALL_TIMEOUT=1s", "WXGATE_PUBLIC_PATHS=/open"))
	conn, err := net.Dial("tcp", p.listening("gateway"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
	p.line(`"message":"client cut off"`, `"server":"gateway"`, conn.LocalAddr().String(), "sent nothing", "WXGATE_STALL_TIMEOUT")
}
