package main_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// goingAway is a close frame with status 1001.
const goingAway = "\x88\x02\x03\xe9"

// newSocketSite starts a site that upgrades each connection, sends the bytes, and
// keeps it open until it reads the end. What it reads is sent to received.
func newSocketSite(t *testing.T, sent string, received chan<- string) string {
	t.Helper()
	return newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"+sent)
		data, _ := io.ReadAll(rw)
		received <- string(data)
	})
}

// openSocket opens a WebSocket and reads the response. The reader has what follows.
func openSocket(t *testing.T, address string, config *tls.Config) (net.Conn, *bufio.Reader) {
	t.Helper()
	var conn net.Conn
	var err error
	if config == nil {
		conn, err = net.Dial("tcp", address)
	} else {
		conn, err = tls.Dial("tcp", address, config)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	io.WriteString(conn, "GET /ws HTTP/1.1\r\nHost: h5.example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	reader := bufio.NewReader(conn)
	res, err := http.ReadResponse(reader, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v, want 101", res, err)
	}
	return conn, reader
}

// quickShutdown returns variables with a short timeout for the shutdown, and the
// client's TLS configuration; nil without TLS.
func quickShutdown(t *testing.T, secure bool) ([]string, *tls.Config) {
	t.Helper()
	environ := []string{"WXGATE_SHUTDOWN_TIMEOUT=300ms"}
	if !secure {
		return environ, nil
	}
	cert := newCertificate(t)
	return append(environ, "WXGATE_PUBLIC_URL=https://h5.example.com",
		"WXGATE_TLS_CERT_FILE="+cert.certFile, "WXGATE_TLS_KEY_FILE="+cert.keyFile), cert.trusting(t)
}

// metric returns the value of a metric without labels.
func metric(t *testing.T, p *process, name string) string {
	t.Helper()
	_, body := get(t, "http://"+p.listening("admin")+"/metrics")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "none"
}

// A WebSocket that is open at the end of the timeout gets a close frame with
// status 1001 between two frames of the site, or none inside a frame.
func TestServeClosesWebSockets(t *testing.T) {
	t.Parallel()
	const frame = "\x81\x05hello"
	for _, tt := range []struct {
		name, sent, want string
		tls              bool
	}{
		{"idle", "", goingAway, false},
		{"after a frame", frame, frame + goingAway, false},
		{"half a frame", frame + frame[:4], frame + frame[:4], false},
		{"half a header", frame + "\x82\x7e\x01", frame + "\x82\x7e\x01", false},
		{"over TLS", frame, frame + goingAway, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			environ, config := quickShutdown(t, tt.tls)
			received := make(chan string, 1)
			p := start(t, environment(newSocketSite(t, tt.sent, received), environ...))
			if n := metric(t, p, "wxgate_websockets_open"); n != "0" {
				t.Errorf("at the start: wxgate_websockets_open %s, want 0", n)
			}
			conn, reader := openSocket(t, p.listening("gateway"), config)
			eventually(t, patience, "wxgate_websockets_open is 1", func() bool {
				return metric(t, p, "wxgate_websockets_open") == "1"
			})
			p.signal(syscall.SIGTERM)
			got := make([]byte, len(tt.want))
			if _, err := io.ReadFull(reader, got); string(got) != tt.want || err != nil {
				t.Errorf("the client gets %q, %v, want %q", got, err, tt.want)
			}
			answer := ""
			if strings.HasSuffix(tt.want, goingAway) {
				answer = "\x88\x82abcd\x62\x8b" // masked
				io.WriteString(conn, answer)
				conn.(interface{ CloseWrite() error }).CloseWrite()
			}
			if rest, _ := io.ReadAll(reader); len(rest) > 0 {
				t.Errorf("then the client gets %q, want the end", rest)
			}
			if code := p.exit(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if got := <-received; got != answer {
				t.Errorf("the site gets %q, want the client's close frame %q", got, answer)
			}
			p.line(`"message":"request"`, `"status":101`)
			p.line(`"level":"warn"`, `"message":"WebSockets closed"`, "closed 1 upgraded connections")
		})
	}
}

// A WebSocket that ends within the timeout ends the process early.
func TestServeWaitsForWebSockets(t *testing.T) {
	t.Parallel()
	site := make(chan *websocket.Conn, 1)
	p := start(t, environment(newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		site <- conn
		conn.Read(r.Context())
	}), "WXGATE_SHUTDOWN_TIMEOUT=1h"))
	client, _, err := websocket.Dial(t.Context(), "ws://"+p.listening("gateway")+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseNow()
	p.signal(syscall.SIGTERM)
	p.line(`"message":"shutting down"`)
	eventually(t, patience, "the listener closes", func() bool { return !listens(p.listening("gateway")) })
	conn := <-site
	if err := conn.Write(t.Context(), websocket.MessageText, []byte("bye")); err != nil {
		t.Errorf("write during the shutdown: %v", err)
	}
	if _, message, err := client.Read(t.Context()); string(message) != "bye" {
		t.Errorf("the client reads %q, %v, want bye", message, err)
	}
	go conn.Close(websocket.StatusNormalClosure, "")
	if _, _, err := client.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the client reads %v, want the site's status 1000", err)
	}
	if code := p.exit(); code != 0 || strings.Contains(p.stdout.String(), "WebSockets closed") {
		t.Errorf("exit code %d, log %s, want 0 and nothing cut off", code, p.stdout)
	}
}

// endless is the begin of a frame that no socket buffer holds.
var endless = "\x82\x7f\x00\x00\x00\x00\x04\x00\x00\x00" + strings.Repeat("x", 32<<20)

// A client that takes no data does not hold the shutdown up, nor does one that does
// not answer the close frame.
func TestServeEndsDespiteStalledWebSockets(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		sent string
		tls  bool
	}{
		{"no answer", "", false},
		{"takes no data", endless, false},
		{"takes no data over TLS", endless, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			environ, config := quickShutdown(t, tt.tls)
			p := start(t, environment(newSocketSite(t, tt.sent, make(chan string, 1)), environ...))
			openSocket(t, p.listening("gateway"), config)
			p.signal(syscall.SIGTERM)
			if code := p.exit(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			p.line(`"message":"stopped"`)
		})
	}
}

// A second signal does not wait for WebSockets.
func TestSecondSignalCutsWebSockets(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newSocketSite(t, "", make(chan string, 1)), "WXGATE_SHUTDOWN_TIMEOUT=1h"))
	openSocket(t, p.listening("gateway"), nil)
	p.signal(syscall.SIGTERM)
	p.line(`"message":"shutting down"`)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != -1 {
		t.Errorf("exit code %d, want the end by the signal", code)
	}
}

func TestDemoClosesWebSockets(t *testing.T) {
	t.Parallel()
	p, origin := startDemo(t)
	v := newVisitor(t)
	v.signIn(origin, "lihua")
	socket, _, err := websocket.Dial(t.Context(), origin+"/ws", &websocket.DialOptions{HTTPClient: v.client})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.CloseNow()
	p.signal(syscall.SIGINT)
	for err == nil {
		_, _, err = socket.Read(t.Context())
	}
	if websocket.CloseStatus(err) != websocket.StatusGoingAway {
		t.Errorf("the client reads %v, want status 1001", err)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}
