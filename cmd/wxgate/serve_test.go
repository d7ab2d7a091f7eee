package main_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

func TestServeStarts(t *testing.T) {
	t.Parallel()
	upstream := newUpstream(t, hello)
	for _, args := range [][]string{nil, {"serve"}} {
		t.Run("wxgate "+strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			p := start(t, environment(upstream, "WXGATE_PUBLIC_PATHS=/open"), args...)
			var started map[string]string
			if err := json.Unmarshal([]byte(p.line(`"message":"started"`)), &started); err != nil {
				t.Fatal(err)
			}
			if started["version"] == "" || started["time"] == "" {
				t.Errorf("started line without version or time: %v", started)
			}
			delete(started, "version")
			delete(started, "time")
			want := map[string]string{
				"level": "info", "message": "started", "public_url": "http://h5.example.com",
				"appid": wechattest.StockAppID, "upstream": upstream, "session_store": "cookie",
			}
			if diff := cmp.Diff(want, started); diff != "" {
				t.Errorf("started line (-want +got):\n%s", diff)
			}

			address := "http://" + p.listening("gateway")
			if status, body := get(t, address+"/open"); status != 200 || body != "hello" {
				t.Errorf("GET /open = %d %q, want 200 %q", status, body, "hello")
			}
			if status, _ := get(t, address+"/other"); status != 302 {
				t.Errorf("GET /other = %d, want 302 to WeChat", status)
			}
			if text := p.stdout.String(); strings.Contains(text, wechattest.StockAppSecret) || strings.Contains(text, cookieKey) {
				t.Error("a secret stands in the log")
			}
		})
	}
}

func TestServeAnswersOperators(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello)))
	gateway, admin := "http://"+p.listening("gateway"), "http://"+p.listening("admin")
	get(t, gateway+"/counted")
	tests := []struct {
		path   string
		status int
		want   []string
	}{
		{"/healthz", 200, []string{"ok"}},
		{"/readyz", 200, []string{"ready"}},
		{"/metrics", 200, []string{`wxgate_http_requests_total{code="200",outcome="public"} 1`, "go_goroutines", "process_open_fds"}},
		{"/counted", 404, nil},
	}
	for _, test := range tests {
		status, body := get(t, admin+test.path)
		if status != test.status || !containsAll(body, test.want) {
			t.Errorf("admin GET %s = %d, want %d with %q; got\n%s", test.path, status, test.status, test.want, body)
		}
	}
	for _, test := range tests {
		if _, body := get(t, gateway+test.path); body != "hello" {
			t.Errorf("gateway GET %s = %q, want the site's own answer", test.path, body)
		}
	}
}

func TestServeWithoutAdmin(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello), "WXGATE_ADMIN_LISTEN="))
	p.line(`"message":"started"`)
	if got := strings.Count(p.stdout.String(), `"message":"listening"`); got != 1 {
		t.Errorf("%d servers listen, want the gateway alone", got)
	}
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// If an address is in use, the program ends before it serves any other.
func TestServeAddressInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, test := range []struct{ variable, server string }{
		{"WXGATE_LISTEN", "gateway"}, {"WXGATE_ADMIN_LISTEN", "admin"}, {"WXGATE_RELAY_LISTEN", "relay"}, {"WXGATE_EXTAUTHZ_LISTEN", "ext_authz"},
	} {
		relay := []string{"WXGATE_RELAY_LISTEN=127.0.0.1:0", "WXGATE_RELAY_PATHS=/cgi-bin/user/info"}
		p := start(t, environment(newUpstream(t, hello), append(relay, test.variable+"="+taken.Addr().String())...))
		if code := p.exit(); code != 1 {
			t.Errorf("%s in use: exit code %d, want 1", test.variable, code)
		}
		if want := "wxgate: " + test.server + " server: listen tcp " + taken.Addr().String() + ": bind: address already in use; " + test.variable + " gives the address\n"; p.stderr.String() != want {
			t.Errorf("%s in use: stderr %q, want %q", test.variable, p.stderr, want)
		}
		if text := p.stdout.String(); text != "" {
			t.Errorf("%s in use: stdout %q, want nothing", test.variable, text)
		}
	}
}

// A heldSite answers requests when answer is closed.
type heldSite struct {
	arrived chan string // path of each request
	answer  chan struct{}
}

func newHeldSite() *heldSite {
	return &heldSite{make(chan string, 10), make(chan struct{})}
}

func (s *heldSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.arrived <- r.URL.Path
	select {
	case <-s.answer:
		io.WriteString(w, "late")
	case <-r.Context().Done():
	}
}

// wait waits until a request has arrived.
func (s *heldSite) wait(t *testing.T) {
	t.Helper()
	select {
	case <-s.arrived:
	case <-time.After(patience):
		t.Fatal("the request does not arrive at the upstream")
	}
}

// answered is the end of a request that was sent in the background.
type answered struct {
	body string
	err  error
}

func ask(t *testing.T, address string) <-chan answered {
	t.Helper()
	done, client := make(chan answered, 1), newClient(t)
	go func() {
		res, err := client.Get(address)
		if err != nil {
			done <- answered{"", err}
			return
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		done <- answered{string(body), err}
	}()
	return done
}

func TestServeDrains(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const delay = 2 * time.Second
			site := newHeldSite()
			p := start(t, environment(newUpstream(t, site.ServeHTTP), "WXGATE_DRAIN_DELAY="+delay.String(), "WXGATE_PREFIX=/own"))
			gateway, admin := p.listening("gateway"), p.listening("admin")
			inFlight := ask(t, "http://"+gateway+"/slow")
			site.wait(t)

			signalled := time.Now()
			p.signal(signal)
			p.line(`"message":"shutting down"`, `"drain_delay_ms":2000`)
			if status, body := get(t, "http://"+admin+"/readyz"); status != 503 || body != "draining\n" {
				t.Errorf("/readyz after %s = %d %q, want 503", name, status, body)
			}
			if status, _ := get(t, "http://"+admin+"/healthz"); status != 200 {
				t.Errorf("/healthz after %s = %d, want 200", name, status)
			}
			if status, _ := get(t, "http://"+gateway+"/own/me"); status != 401 {
				t.Errorf("a new request within the drain delay = %d, want 401", status)
			}
			eventually(t, patience, "the listener closes", func() bool { return !listens(gateway) })
			if took := time.Since(signalled); took < delay {
				t.Errorf("the listener closed %v after the signal, want at least %v", took, delay)
			}
			if status, _ := get(t, "http://"+admin+"/readyz"); status != 503 {
				t.Errorf("/readyz while requests are in flight = %d, want 503", status)
			}
			close(site.answer)
			if got := <-inFlight; got.body != "late" || got.err != nil {
				t.Errorf("request in flight = %q, %v, want %q", got.body, got.err, "late")
			}
			if code := p.exit(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			p.line(`"message":"stopped"`)
			if listens(admin) {
				t.Error("the admin server outlives the program")
			}
		})
	}
}

func TestServeCutsOffWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	site := newHeldSite()
	p := start(t, environment(newUpstream(t, site.ServeHTTP), "WXGATE_SHUTDOWN_TIMEOUT=200ms"))
	inFlight := ask(t, "http://"+p.listening("gateway")+"/slow")
	site.wait(t)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	p.line(`"level":"warn"`, `"message":"requests cut off"`, `"server":"gateway"`)
	if got := <-inFlight; got.err == nil {
		t.Errorf("request in flight = %q, want it cut off", got.body)
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	site := newHeldSite()
	p := start(t, environment(newUpstream(t, site.ServeHTTP), "WXGATE_DRAIN_DELAY=1h"))
	inFlight := ask(t, "http://"+p.listening("gateway")+"/slow")
	site.wait(t)
	p.signal(syscall.SIGTERM)
	p.line(`"message":"shutting down"`)
	p.signal(syscall.SIGTERM)
	if code := p.exit(); code == 0 {
		t.Error("exit code 0 after a second signal, want the signal's end")
	}
	<-inFlight
}

// The gateway refuses a request whose target is not a path. Without it, net/http
// would answer 200.
func TestServeOptionsAsterisk(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello)))
	conn, err := net.Dial("tcp", p.listening("gateway"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "OPTIONS * HTTP/1.1\r\nHost: h5.example.com\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Error string }
	if err := json.NewDecoder(res.Body).Decode(&answer); res.StatusCode != 400 || answer.Error != "invalid_request" {
		t.Errorf("OPTIONS * = %d %q, %v, want 400 invalid_request", res.StatusCode, answer.Error, err)
	}
	p.line(`"message":"request"`, `"method":"OPTIONS"`, `"path":"*"`, `"status":400`)
}
