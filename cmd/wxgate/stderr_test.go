package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// planted stands for a cookie, an openid or a token that must not be logged.
const planted = "planted-secret"

const (
	good    = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
)

// brokenAnswers are what upstreams send that break HTTP, by the path that they
// answer.
var brokenAnswers = map[string]string{
	"/unsolicited":     good + "HTTP/1.1 200 OK\r\nSet-Cookie: a=" + planted + "\r\n\r\n",
	"/longer":          good + planted,
	"/no-http":         planted + "\r\n\r\n",
	"/version":         "HTTP/" + planted + " 200 OK\r\n\r\n",
	"/status":          "HTTP/1.1 " + planted + " OK\r\n\r\n",
	"/header":          "HTTP/1.1 200 OK\r\nSet-Cookie " + planted + "\r\n\r\n",
	"/first-header":    "HTTP/1.1 200 OK\r\n Set-Cookie: " + planted + "\r\n\r\n",
	"/header-name":     "HTTP/1.1 200 OK\r\nSet Cookie: " + planted + "\r\n\r\n",
	"/length":          "HTTP/1.1 200 OK\r\nContent-Length: " + planted + "\r\n\r\n",
	"/two-lengths":     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: " + planted + "\r\n\r\nok",
	"/encoding":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + planted + "\r\n\r\n",
	"/chunk":           chunked + planted + "\r\n",
	"/trailer":         chunked + "2\r\nok\r\n0\r\nSet-Cookie " + planted + "\r\n\r\n",
	"/early":           "HTTP/1.1 103 Early Hints\r\nLink " + planted + "\r\n\r\n",
	"/upgrade":         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + planted + "\r\n\r\n",
	"/body-of-304":     "HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n" + planted,
	"/breaks-off":      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + planted,
	"/cookie":          "HTTP/1.1 200 OK\r\nSet-Cookie: wxgate=\"" + planted + "\\\"\r\nContent-Length: 2\r\n\r\nok",
	"/closes-at-once":  "",
	"/length-of-reply": "HTTP/1.1 200 OK\r\nContent-Length: +2\r\nX-Code: " + planted + "\r\n\r\nok",
}

// newBrokenSite starts a site that sends the answer of each path as it is.
func newBrokenSite(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				for answer := "\r\n\r\nok"; strings.Contains(answer, "\r\n\r\nok"); { // a whole one
					r, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					io.Copy(io.Discard, r.Body)
					answer = brokenAnswers[r.URL.Path]
					io.WriteString(conn, answer)
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// breakTheProtocol sends what no client should to an address.
func breakTheProtocol(t *testing.T, address string) {
	t.Helper()
	for _, sent := range []string{
		"this is no TLS handshake, nor HTTP: " + planted + "\r\n\r\n",
		"\x16\x03\x01\x00\x05" + planted,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + planted + strings.Repeat("x", 100),
		"GET / HTTP/1.1\r\nHost: h5.example.com\r\nCookie " + planted + "\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: h5.example.com\r\nContent-Length: " + planted + "\r\n\r\n",
	} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, sent)
		conn.(*net.TCPConn).CloseWrite()
		io.ReadAll(conn) // until the server closes: by then it has logged the error
		conn.Close()
	}
}

// askForBroken asks for each broken answer, without a body and with one: for that, the
// gateway uses net/http's transport, which has its own log.
func askForBroken(t *testing.T, client *http.Client, origin string) {
	t.Helper()
	for path := range brokenAnswers {
		for _, body := range []string{"", "a body"} {
			r, err := http.NewRequestWithContext(t.Context(), "GET", origin+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if res, err := client.Do(r); err == nil {
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		}
	}
}

// Once wxgate serves, libraries write nothing to stderr, whatever upstreams and
// clients send. The log has it as JSON, without what they sent.
func TestServeWritesNothingToStderr(t *testing.T) {
	t.Parallel()
	cert := newCertificate(t)
	for name, changes := range map[string][]string{
		"http": {"WXGATE_EXTAUTHZ_LISTEN=127.0.0.1:0", "WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=/cgi-bin/x"},
		"https": {
			"WXGATE_TLS_CERT_FILE=" + cert.certFile, "WXGATE_TLS_KEY_FILE=" + cert.keyFile,
			"WXGATE_PUBLIC_URL=https://h5.example.com",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, environment(newBrokenSite(t), append(changes, "WXGATE_LOG_LEVEL=debug")...))
			gateway := p.listening("gateway")
			client, scheme := newClient(t), "http"
			if name == "https" {
				client.Transport.(*http.Transport).TLSClientConfig = cert.trusting(t)
				scheme = "https"
			}
			askForBroken(t, client, scheme+"://"+gateway)
			servers := []string{"gateway", "admin", "relay", "ext_authz"}
			if name == "https" {
				servers = servers[:2]
			}
			for _, server := range servers {
				breakTheProtocol(t, p.listening(server))
			}
			p.line(`"level":"warn"`, `"message":"library message"`, "Unsolicited response received on idle HTTP channel")
			p.signal(syscall.SIGTERM)
			if code := p.exit(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			if text := p.stderr.String(); text != "" {
				t.Errorf("stderr %q, want nothing", text)
			}
			if text := p.stdout.String(); strings.Contains(text, planted) {
				t.Errorf("the log has the planted secret")
			}
			for line := range strings.Lines(p.stdout.String()) {
				if !json.Valid([]byte(line)) {
					t.Errorf("line %q, want JSON", line)
				}
			}
		})
	}
}

// What demo and emulator write to stderr is their log.
func TestDemoLogsWhatLibrariesWrite(t *testing.T) {
	t.Parallel()
	p, origin := startDemo(t, "--upstream", newBrokenSite(t))
	v := newVisitor(t)
	v.signIn(origin+"/cookie", "lihua")
	askForBroken(t, v.client, origin)
	breakTheProtocol(t, strings.TrimPrefix(origin, "http://"))
	p.stderrLine("WRN", "library message", "Unsolicited response received on idle HTTP channel")
	p.signal(syscall.SIGINT)
	p.exit()
	if strings.Contains(p.stderr.String()+p.stdout.String(), planted) {
		t.Error("the output has the planted secret")
	}
	for line := range strings.Lines(p.stderr.String()) {
		if !regexp.MustCompile(`^\d\d:\d\d:\d\d `).MatchString(line) {
			t.Errorf("line %q on stderr, want a line of the log", line)
		}
	}
}

func TestEmulatorWritesNothingToStderr(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "emulator", "--listen", "127.0.0.1:0")
	breakTheProtocol(t, strings.TrimPrefix(p.line("WeChat emulator: "), "WeChat emulator: http://"))
	p.signal(syscall.SIGINT)
	p.exit()
	if p.stderr.String() != "" {
		t.Errorf("stderr %q, want nothing", p.stderr)
	}
}
