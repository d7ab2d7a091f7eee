package deploy_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait.
const patience = 20 * time.Second

// cookieKey is the key of the gateway's cookies.
const cookieKey = "0123456789abcdefghijklmnopqrstuv"

// identityHeaders are the headers that tell a site about its visitor.
var identityHeaders = []string{
	"X-WX-OpenID", "X-WX-AppID", "X-WX-Source", "X-WX-Scope", "X-WX-UnionID", "X-WX-Nickname", "X-WX-Avatar",
	"X-WX-Subscribed", "X-WX-Snapshot-User", "X-WX-Access-Token", "X-WX-Assertion",
}

// claimedHeaders are the headers with which a client could claim an identity: the
// identity headers and others that WeChat's cloud hosting knows.
var claimedHeaders = append([]string{
	"X-WX-From-OpenID", "X-WX-From-AppID", "X-WX-From-UnionID", "X-WX-From-Cloudbase-Access-Token",
	"X-WX-Cloudbase-Access-Token", "X-WX-Env", "X-WX-Service", "X-WX-Call-ID", "X-WX-Region", "X-WX-Gateway-ID",
	"X-WX-Resource-AppID", "X-WX-Exclude-Credentials",
}, identityHeaders...)

// A new identity header of the gateway has to be added to the list above, and so
// to the configurations.
func TestIdentityHeadersAreTheGateways(t *testing.T) {
	t.Parallel()
	constant := regexp.MustCompile(`"(X-Wx-[A-Za-z-]+)"`)
	sent := map[string]bool{}
	err := fs.WalkDir(os.DirFS(repository), "gateway", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		for _, match := range constant.FindAllStringSubmatch(readFile(t, filepath.Join(repository, file)), -1) {
			sent[match[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(sent, "X-Wx-Login-Url") // sent to scripts, not to the site
	for _, name := range identityHeaders {
		if name = http.CanonicalHeaderKey(name); !sent[name] {
			t.Errorf("the gateway's source does not name %s", name)
		}
		delete(sent, name)
	}
	for name := range sent {
		t.Errorf("%s is not in this test's list of identity headers", name)
	}
}

// A runProxy starts a proxy that listens on the first address.
type runProxy func(t *testing.T, listen, wxgate, site string)

// A front is a proxy that asks wxgate about each request and forwards the allowed
// ones to a site.
type front struct {
	address string // host:port where visitors reach it
	origin  string // the same as a URL
	site    *site
	wxgate  *process
	habits  habits
}

// habits are what a proxy does differently from others with the shipped files.
type habits struct {
	rewrites  map[string]string // targets that wxgate and the site get in another form
	noID      bool              // the site gets no X-Request-ID
	noPrivate bool              // a renewed session comes without Cache-Control
	// The headers that a client names in Connection are removed before wxgate is
	// asked: a client that names Cookie has no session.
	dropsNamed bool
}

// rewritten returns the target with which the site gets a request.
func (h habits) rewritten(target string) string {
	if other, ok := h.rewrites[target]; ok {
		return other
	}
	return target
}

// newFront starts a site, the emulator, wxgate and the proxy. The changes override
// wxgate's environment.
func newFront(t *testing.T, wxgate string, run runProxy, changes ...string) front {
	t.Helper()
	address := freeAddress(t)
	f := front{address: address, origin: "http://" + address, site: newSite(t)}
	changes = append([]string{"WXGATE_PUBLIC_URL=" + f.origin}, changes...)
	var listening string
	f.wxgate, listening = startGateway(t, wxgate, changes...)
	run(t, address, listening, f.site.address)
	f.listens(t)
	return f
}

// listens waits until the proxy listens.
func (f front) listens(t *testing.T) {
	t.Helper()
	eventually(t, f.address+" listens", func() bool {
		conn, err := net.DialTimeout("tcp", f.address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// startGateway starts wxgate in forward-auth mode and WeChat's emulator. It returns
// wxgate and the address on which it listens.
func startGateway(t *testing.T, wxgate string, changes ...string) (p *process, address string) {
	t.Helper()
	emulator := start(t, nil, wxgate, "emulator", "--listen", "127.0.0.1:0")
	env := map[string]string{
		"WXGATE_MODE":            "forward-auth",
		"WXGATE_LISTEN":          "127.0.0.1:0",
		"WXGATE_DRAIN_DELAY":     "0s",
		"WXGATE_ADMIN_LISTEN":    "127.0.0.1:0",
		"WXGATE_PUBLIC_URL":      "http://127.0.0.1:8000",
		"WXGATE_TRUSTED_PROXIES": "127.0.0.1",
		"WXGATE_COOKIE_KEYS":     base64.StdEncoding.EncodeToString([]byte(cookieKey)),
		"WXGATE_PUBLIC_PATHS":    "/static/,GET /news/{id}",
		"WXGATE_API_PATHS":       "/api/",
		"WXGATE_VERIFY_FILES":    "abc123",
	}
	for _, name := range []string{
		"WXGATE_WECHAT_API_URL", "WXGATE_WECHAT_OPEN_URL", "WXGATE_APP_ID", "WXGATE_APP_SECRET",
	} {
		env[name] = emulator.find(`export ` + name + `='([^']+)'\n`)
	}
	for _, change := range changes {
		name, value, _ := strings.Cut(change, "=")
		env[name] = value
	}
	var environ []string
	for name, value := range maps.All(env) {
		environ = append(environ, name+"="+value)
	}
	p = start(t, environ, wxgate)
	return p, p.find(`"server":"gateway","address":"([^"]+)"`)
}

// buildGateway builds wxgate from the source of this repository.
func buildGateway(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "wxgate")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/wxgate")
	cmd.Dir = repository
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

// installed returns the path of a server. If this machine lacks it, the test is
// skipped, or fails if TEST_REQUIRE_ALL is 1.
func installed(t *testing.T, name string) string {
	t.Helper()
	path := name
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if path = filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	if os.Getenv("TEST_REQUIRE_ALL") == "1" {
		t.Fatalf("no %s on this machine", name)
	}
	t.Skipf("no %s on this machine", name)
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// configuration returns a shipped file with addresses replaced. They are pairs of
// old and new text. The file must hold each old text.
func configuration(t *testing.T, file string, addresses ...string) string {
	t.Helper()
	text := readFile(t, file)
	for i := 0; i < len(addresses); i += 2 {
		if !strings.Contains(text, addresses[i]) {
			t.Fatalf("%s does not contain %q", file, addresses[i])
		}
	}
	return strings.NewReplacer(addresses...).Replace(text)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns a loopback address with a free port.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// eventually waits until the condition is true.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// A process is a running server. It keeps the output.
type process struct {
	t     *testing.T
	name  string
	stop  func()
	ended chan struct{}

	mu     sync.Mutex
	output strings.Builder
}

// start runs a server with that environment until the end of the test.
func start(t *testing.T, environ []string, name string, args ...string) *process {
	t.Helper()
	ctx, kill := context.WithCancel(context.Background())
	p := &process{t: t, name: filepath.Base(name), ended: make(chan struct{})}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append([]string{}, environ...)
	cmd.Stdout, cmd.Stderr = p, p
	// nginx needs a signal that it can handle: after SIGKILL its worker keeps running.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		kill()
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		cmd.Wait()
	}()
	p.stop = func() {
		kill()
		<-p.ended
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s %s\n%s", p.name, strings.Join(args, " "), p.text())
		}
	})
	return p
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *process) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// find waits until the output matches the pattern and returns what the group in it
// matches.
func (p *process) find(pattern string) string {
	p.t.Helper()
	expression := regexp.MustCompile(pattern)
	var match []string
	eventually(p.t, p.name+" writes "+pattern, func() bool {
		match = expression.FindStringSubmatch(p.text())
		select {
		case <-p.ended:
			if match == nil {
				p.t.Fatalf("%s ended before it wrote %s", p.name, pattern)
			}
		default:
		}
		return match != nil
	})
	return match[1]
}

// A site is a web app behind a front. It answers with the request that it gets.
type site struct {
	address string
	hits    atomic.Int64
	next    chan struct{} // makes the event stream send the next event
	server  *httptest.Server
}

// arrived is a request as the site gets it.
type arrived struct {
	Method  string
	Target  string
	Header  http.Header
	Trailer http.Header
	Body    string // SHA-256, hexadecimal
}

// watch returns a function that reports whether the site has got a request since.
func (s *site) watch() func() bool {
	before := s.hits.Load()
	return func() bool { return s.hits.Load() != before }
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{next: make(chan struct{})}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		w.Header().Set("X-Site", "reached")
		switch r.URL.Path {
		case "/socket":
			s.socket(w, r)
		case "/events":
			s.events(w, r)
		default:
			s.echo(w, r)
		}
	}))
	t.Cleanup(s.server.Close)
	s.address = s.server.Listener.Addr().String()
	return s
}

func (s *site) echo(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	io.Copy(sum, r.Body)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(arrived{r.Method, r.RequestURI, r.Header, r.Trailer, hex.EncodeToString(sum.Sum(nil))})
}

// events sends one event, the second after a receive from next, and then nothing
// until the visitor leaves.
func (s *site) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	for range 2 {
		io.WriteString(w, "event for "+r.Header.Get("X-Wx-Openid")+"\n")
		http.NewResponseController(w).Flush()
		select {
		case <-s.next:
		case <-r.Context().Done():
		}
	}
}

// socket switches to the protocol of the Upgrade header, sends the OpenID that it
// got and then echoes every byte.
func (s *site) socket(w http.ResponseWriter, r *http.Request) {
	protocol := r.Header.Get("Upgrade")
	if protocol == "" {
		s.echo(w, r)
		return
	}
	conn, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	io.WriteString(both, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n"+
		r.Header.Get("X-Wx-Openid")+"\n")
	both.Flush()
	io.Copy(conn, both)
}
