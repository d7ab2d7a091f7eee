package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	wxgate "github.com/wxgate/wxgate/cmd/wxgate"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A checkCase is a configuration that differs from one without a fault, and the line
// of `check` about it.
type checkCase struct {
	name string
	vars []string
	code int
	want string // what a line begins with
}

// runChecks runs `check` in each case, with an emulator and a site.
func runChecks(t *testing.T, cases []checkCase) {
	t.Helper()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	site := newUpstream(t, hello)
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			environ := environment(site, append([]string{
				"WXGATE_WECHAT_API_URL=" + wx.URL, "WXGATE_WECHAT_OPEN_URL=" + wx.URL,
			}, tt.vars...)...)
			var stdout, stderr strings.Builder
			code := wxgate.Run([]string{"check"}, environ, &stdout, &stderr)
			if code != tt.code || stderr.Len() > 0 || !strings.Contains("\n"+stdout.String(), "\n"+tt.want) {
				t.Errorf("exit %d, want %d and a line %q:\n%s%s", code, tt.code, tt.want, &stdout, &stderr)
			}
			if code == 0 && strings.Contains(stdout.String(), "FAIL") || strings.Contains(stdout.String(), "planted") {
				t.Errorf("stdout:\n%s", &stdout)
			}
			if !strings.Contains(stdout.String(), ": wechat: ") && !strings.Contains(stdout.String(), "  wechat: ") &&
				!strings.Contains(tt.want, "FAIL  configuration") {
				t.Errorf("check ends early:\n%s", &stdout)
			}
		})
	}
}

// A signer makes certificates.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

// sign returns a certificate for names, and what it is an authority's; a nil signer
// signs it with its own key.
func (s *signer) sign(t *testing.T, ca bool, begin, end time.Time, names ...string) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: fmt.Sprintf("test %p", key)},
		NotBefore: begin, NotAfter: end, IsCA: ca, BasicConstraintsValid: ca,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	if s == nil {
		s = &signer{template, key, ""}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, s.cert, key.Public(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// served returns the variables of a server with the certificate, followed by others.
func (s *signer) served(t *testing.T, others ...*signer) []string {
	t.Helper()
	var text strings.Builder
	text.WriteString(s.pem)
	for _, other := range others {
		text.WriteString(other.pem)
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	writeFile(t, cert, []byte(text.String()))
	writeFile(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	return []string{"WXGATE_TLS_CERT_FILE=" + cert, "WXGATE_TLS_KEY_FILE=" + key, "WXGATE_PUBLIC_URL=https://h5.example.com"}
}

func TestCheckOfCertificate(t *testing.T) {
	t.Parallel()
	const host, day = "h5.example.com", 24 * time.Hour
	now := time.Now()
	past, far := now.Add(-day), now.Add(90*day)
	root := (*signer)(nil).sign(t, true, past, far)
	middle := root.sign(t, true, past, far)
	elsewhere := root.sign(t, true, past, far)
	right := middle.sign(t, false, past, far, host)
	sites := []string{"WXGATE_SITES_0_HOSTS=a.example.com,www.a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com"}
	of := func(s *signer, others ...*signer) []string { return s.served(t, others...) }
	runChecks(t, []checkCase{
		{"of another name", of(middle.sign(t, false, past, far, "h6.example.com", "192.0.2.1"), middle), 1, "FAIL  certificate: not for h5.example.com, but for h6.example.com, 192.0.2.1; hint: use a certificate for h5.example.com, or correct WXGATE_PUBLIC_URL\n"},
		{"of no name", of(middle.sign(t, false, past, far), middle), 1, "FAIL  certificate: not for h5.example.com, but for no name; hint: "},
		{"wildcard above", of(middle.sign(t, false, past, far, "*.h5.example.com"), middle), 1, "FAIL  certificate: not for h5.example.com, but for *.h5.example.com; hint: "},
		{"wildcard", of(middle.sign(t, false, past, far, "*.example.com"), middle, root), 0, "note  certificate: this machine does not know the authority CN=test "},
		{"not of every site", append(of(middle.sign(t, false, past, far, "a.example.com", "b.example.com"), middle), append(sites, "WXGATE_PUBLIC_URL=")...), 1, "FAIL  certificate: not for www.a.example.com, but for a.example.com, b.example.com; hint: "},
		{"IP address", append(of(middle.sign(t, false, past, far, "192.0.2.1"), middle), "WXGATE_PUBLIC_URL=https://192.0.2.2"), 1, "FAIL  certificate: not for 192.0.2.2, but for 192.0.2.1; hint: "},
		{"expired", of(middle.sign(t, false, past, now.Add(-time.Hour), host), middle), 1, "FAIL  certificate: ended at 20"},
		{"not yet valid", of(middle.sign(t, false, now.Add(time.Hour), far, host), middle), 1, "FAIL  certificate: begins at 20"},
		{"ends soon", of(middle.sign(t, false, past, now.Add(13*day), host), middle), 0, "note  certificate: ends at 20"},
		{"issuer expired", of(right, root.sign(t, true, past.Add(-day), past)), 1, "FAIL  certificate: number 2 of the file, an issuer, ended at 20"},
		{"self-signed", of((*signer)(nil).sign(t, false, past, far, host)), 0, "note  certificate: self-signed, which browsers refuse; hint: "},
		{"no intermediate", of(right), 0, "note  certificate: the file holds no issuer's certificate, and this machine does not know CN=test "},
		{"wrong order", of(right, root, middle), 0, "note  certificate: the certificates of the file are in the wrong order; hint: put the server's first"},
		{"another issuer", of(right, elsewhere), 0, "note  certificate: number 2 of the file did not sign number 1; hint: "},
	})
}

func TestCheckOfListeners(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	address := taken.Addr().String()
	relay, authz := []string{"WXGATE_RELAY_PATHS=POST /cgi-bin/message/", "WXGATE_RELAY_LISTEN=" + address}, "WXGATE_EXTAUTHZ_LISTEN="+address
	const hint = ": bind: address already in use; hint: another process has this address: end it, or choose another port\n"
	running := start(t, environment("http://127.0.0.1:1"), "serve")
	runChecks(t, []checkCase{
		{"free", nil, 0, "ok    listen: WXGATE_LISTEN 127.0.0.1:0 is free\n"},
		{"main", []string{"WXGATE_LISTEN=" + address}, 1, "FAIL  listen: WXGATE_LISTEN: listen tcp " + address + hint},
		{"admin", []string{"WXGATE_ADMIN_LISTEN=" + address}, 1, "FAIL  listen: WXGATE_ADMIN_LISTEN: listen tcp " + address + hint},
		{"relay", relay, 1, "FAIL  listen: WXGATE_RELAY_LISTEN: listen tcp " + address + hint},
		{"ext_authz", []string{authz}, 1, "FAIL  listen: WXGATE_EXTAUTHZ_LISTEN: listen tcp " + address + hint},
		{"not here", []string{"WXGATE_LISTEN=192.0.2.1:8080"}, 1, "FAIL  listen: WXGATE_LISTEN: listen tcp 192.0.2.1:8080: bind: cannot assign requested address; hint: this machine has no such address"},
		{"no name", []string{"WXGATE_LISTEN=nowhere.invalid:8080"}, 1, "FAIL  listen: WXGATE_LISTEN: listen tcp: lookup nowhere.invalid"},
		{"twice", []string{"WXGATE_LISTEN=" + address, authz}, 1, "FAIL  configuration: WXGATE_EXTAUTHZ_LISTEN="},
		{
			"of the wxgate that is checked", []string{
				"WXGATE_LISTEN=" + running.listening("gateway"), "WXGATE_ADMIN_LISTEN=" + running.listening("admin"),
			}, 0, "note  listen: WXGATE_LISTEN " + running.listening("gateway") + " is taken, and a wxgate runs here; hint: ",
		},
	})
}

func TestCheckOfUpstreamScheme(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := newUpstream(t, hello)
	rude := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	cut := newUpstream(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	clear2 := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	clear2.Config.Protocols = new(http.Protocols)
	clear2.Config.Protocols.SetUnencryptedHTTP2(true)
	clear2.Start()
	t.Cleanup(clear2.Close)
	with := func(scheme, address string) []string {
		_, host, _ := strings.Cut(address, "://")
		return []string{"WXGATE_UPSTREAM=" + scheme + "://" + host}
	}
	_, host, _ := strings.Cut(secure.URL, "://")
	const hint = " answers by TLS; hint: use https:// in WXGATE_UPSTREAM, or name the port without TLS\n"
	runChecks(t, []checkCase{
		{"http to a TLS port", with("http", secure.URL), 1, "FAIL  upstream /: http://" + host + hint},
		{"h2c to a TLS port", with("h2c", secure.URL), 1, "FAIL  upstream /: h2c://" + host + hint},
		{"http to a port that sends an alert", with("http", alerting(t)), 1, "FAIL  upstream /: http://"},
		{"https to a plain port", with("https", plain), 1, "FAIL  upstream /: tls: first record does not look like a TLS handshake; hint: it does not speak TLS: use http:// in WXGATE_UPSTREAM\n"},
		{"http", with("http", plain), 0, "ok    upstream /: " + plain + " accepts connections\n"},
		{"https to a port that ends other connections", with("https", onlyHTTP(t, "")), 1, "FAIL  upstream /: EOF; hint: it does not speak TLS: use http:// in WXGATE_UPSTREAM\n"},
		{"https to a port that answers strangers", with("https", onlyHTTP(t, "HTTP/1.1 400 Bad Request\r\n\r\n")), 1, "FAIL  upstream /: tls: first record does not look like a TLS handshake; hint: it does not speak TLS: use http:// in WXGATE_UPSTREAM\n"},
		{"https to a port that ends all connections", with("https", rawServer(t, "")), 1, "FAIL  upstream /: EOF; hint: read its log: it broke off the connection; if it does not speak TLS, use http:// in WXGATE_UPSTREAM\n"},
		{"h2c", with("h2c", clear2.URL), 0, "ok    upstream /: "},
		{"h2c to a port of HTTP/1", with("h2c", plain), 1, "FAIL  upstream /: " + strings.Replace(plain, "http", "h2c", 1) + " speaks HTTP/1 only; hint: use http:// in WXGATE_UPSTREAM\n"},
		{"h2c to a port of HTTP/1 that ends other connections", with("h2c", onlyHTTP(t, "")), 1, "FAIL  upstream /: h2c://"},
		{"h2c to a port of another protocol", with("h2c", greeting(t)), 1, "FAIL  upstream /: h2c://"},
		{"http to a port of HTTP/2", with("http", clear2.URL), 1, "FAIL  upstream /: " + clear2.URL + " speaks HTTP/2 only; hint: use h2c:// in WXGATE_UPSTREAM, or let it speak HTTP/1 too\n"},
		{"http to a port of another protocol", with("http", greeting(t)), 1, "FAIL  upstream /: http://"},
		{"a site that answers 400", with("http", rude), 0, "ok    upstream /: "},
		{"a site that cuts off", with("http", cut), 0, "ok    upstream /: "},
	})
}

// onlyHTTP starts a server that answers GET and HEAD by HTTP/1, and everything else by a
// text.
func onlyHTTP(t *testing.T, otherwise string) string {
	t.Helper()
	return talking(t, func(conn net.Conn) {
		begin := make([]byte, 64<<10)
		n, _ := conn.Read(begin)
		if strings.HasPrefix(string(begin[:n]), "GET ") || strings.HasPrefix(string(begin[:n]), "HEAD ") {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			return
		}
		io.WriteString(conn, otherwise)
	})
}

// rawServer starts a server that answers every client by a text.
func rawServer(t *testing.T, text string) string {
	t.Helper()
	return talking(t, func(conn net.Conn) {
		conn.Read(make([]byte, 64<<10)) // all: a rest would be a reset
		io.WriteString(conn, text)
	})
}

// talking starts a server that talks with each client.
func talking(t *testing.T, talk func(net.Conn)) string {
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
				talk(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// greeting starts a server that greets every client with a line, as no HTTP server does.
func greeting(t *testing.T) string {
	t.Helper()
	return talking(t, func(conn net.Conn) {
		io.WriteString(conn, "220 mail.example.com ESMTP\r\n")
		conn.Read(make([]byte, 1024))
	})
}

// alerting starts a server that answers every client with a TLS alert.
func alerting(t *testing.T) string {
	t.Helper()
	return rawServer(t, "\x15\x03\x03\x00\x02\x02\x46") // fatal, protocol_version
}

func TestCheckOfFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, []byte(text))
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	open, closed, group := file("open", cookieKey, 0o644), file("closed", cookieKey, 0o600), file("group", cookieKey, 0o440)
	file("..2026_11_28/app-secret", wechattest.StockAppSecret, 0o644)
	mounted := filepath.Join(dir, "app-secret")
	if err := os.Symlink(filepath.Join(dir, "..2026_11_28", "app-secret"), mounted); err != nil {
		t.Fatal(err)
	}
	keys := func(path string) []string { return []string{"WXGATE_COOKIE_KEYS", "WXGATE_COOKIE_KEYS_FILE=" + path} }
	empty, names := file("empty", "# nobody\n \n", 0o644), file("names", "oABC-123_xyz456789012345678\nplanted\n", 0o644)
	good, spaced := file("good", "oABC-123_xyz456789012345678 # staff\n", 0o644), file("spaced", "planted a\noA\nplanted b\n", 0o644)
	both := file("both", "oABC-123_xyz456789012345678\noABC-123_xyz456789012345679\n", 0o644)
	const all = "everybody on this machine may read "
	runChecks(t, []checkCase{
		{"read by all", keys(open), 0, "note  secret file: WXGATE_COOKIE_KEYS_FILE: " + all + open + "; hint: chmod o-r " + open + "\n"},
		{"read by the owner", keys(closed), 0, "ok    secret file: "},
		{"read by the group", keys(group), 0, "ok    secret file: "},
		{"of Kubernetes", []string{"WXGATE_APP_SECRET", "WXGATE_APP_SECRET_FILE=" + mounted}, 0, "note  secret file: WXGATE_APP_SECRET_FILE: " + all + mounted + "; hint: set defaultMode: 0440 "},
		{"of a site", []string{"WXGATE_PUBLIC_URL=", "WXGATE_SITES_3_HOSTS=a.example.com", "WXGATE_SITES_3_COOKIE_KEYS_FILE=" + open}, 0, "note  secret file: WXGATE_SITES_3_COOKIE_KEYS_FILE: " + all},
		{"allow list of nobody", []string{"WXGATE_ALLOW_OPENIDS_FILE=" + empty}, 0, "note  list: WXGATE_ALLOW_OPENIDS_FILE: " + empty + " is empty; hint: nobody gets in"},
		{"deny list of nobody", []string{"WXGATE_DENY_OPENIDS_FILE=" + empty}, 0, "ok    list: WXGATE_DENY_OPENIDS_FILE: " + empty + " holds 0 openids\n"},
		{"list", []string{"WXGATE_ALLOW_OPENIDS_FILE=" + good}, 0, "ok    list: WXGATE_ALLOW_OPENIDS_FILE: " + good + " holds 1 openid\n"},
		{"longer list", []string{"WXGATE_DENY_OPENIDS_FILE=" + both}, 0, "ok    list: WXGATE_DENY_OPENIDS_FILE: " + both + " holds 2 openids\n"},
		{"list of names", []string{"WXGATE_DENY_OPENIDS_FILE=" + names}, 0, "note  list: WXGATE_DENY_OPENIDS_FILE: " + names + ": no openid or unionid as WeChat makes them in line 2; hint: "},
		{"list of other lines", []string{"WXGATE_ALLOW_OPENIDS_FILE=" + spaced}, 1, fmt.Sprintf("FAIL  configuration: WXGATE_ALLOW_OPENIDS_FILE=%q: openid list: %s: lines 1, 3: expected one openid each\n", spaced, spaced)},
	})
}

func TestCheckOfAccount(t *testing.T) {
	t.Parallel()
	portal := newUpstream(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<!DOCTYPE html><title>Sign in to the network</title>")
	})
	moved := newUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://portal.example.com/", http.StatusFound)
	})
	empty := newUpstream(t, func(http.ResponseWriter, *http.Request) {})
	secure := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	swapped := func(address string) string { // https for http, and the other way round
		scheme, host, _ := strings.Cut(address, "://")
		if scheme == "https" {
			return "http://" + host
		}
		return "https://" + host
	}
	emulator := wechattest.NewServer()
	t.Cleanup(emulator.Close)
	const record = "tls: first record does not look like a TLS handshake"
	const plain = "; hint: it does not speak TLS: use http:// in WXGATE_WECHAT_API_URL\n"
	const tls = "; hint: it expects TLS: use https:// in WXGATE_WECHAT_API_URL\n"
	const hint = "; hint: something else answers: a captive portal or proxy? "
	api := func(address string) []string { return []string{"WXGATE_WECHAT_API_URL=" + address} }
	runChecks(t, []checkCase{
		{"a page", api(portal), 1, "FAIL  wechat: cgi-bin/stable_token: decode response (status 200): invalid character '<' looking for beginning of value" + hint},
		{"a redirect", api(moved), 1, "FAIL  wechat: cgi-bin/stable_token: decode response (status 302): "},
		{"nothing", api(empty), 1, "FAIL  wechat: cgi-bin/stable_token: decode response (status 200): unexpected end of JSON input" + hint},
		{"https to an emulator over http", api(swapped(emulator.URL)), 1, "FAIL  wechat: cgi-bin/stable_token: " + record + plain},
		{"https to another plain port", api(swapped(greeting(t))), 1, "FAIL  wechat: cgi-bin/stable_token: " + record + plain},
		{"https, legacy token", append(api(swapped(emulator.URL)), "WXGATE_TOKEN_MODE=legacy"), 1, "FAIL  wechat: cgi-bin/token: " + record + plain},
		{"http to a TLS port", api(swapped(secure.URL)), 1, "FAIL  wechat: cgi-bin/stable_token: decode response (status 400): invalid character 'C' looking for beginning of value" + tls},
		{"http to a port that sends an alert", api(alerting(t)), 1, "FAIL  wechat: cgi-bin/stable_token: "},
		{"original id", []string{"WXGATE_APP_ID=gh_0123456789ab"}, 1, `FAIL  configuration: WXGATE_APP_ID="gh_0123456789ab": the account's original id (原始 ID); expected its AppID, which begins with wx`},
		{"AppID with a space", []string{"WXGATE_APP_ID=wx7e57ab1ec 0ffee01"}, 1, `FAIL  configuration: WXGATE_APP_ID="wx7e57ab1ec 0ffee01": expected printable ASCII without spaces`},
		{"long AppID", []string{"WXGATE_APP_ID=wx7e57ab1ec0ffee012"}, 1, `note  configuration: WXGATE_APP_ID="wx7e57ab1ec0ffee012": AppID of an unusual form; hint: copy it again`},
		{"AppSecret", []string{"WXGATE_APP_SECRET=planted"}, 1, "note  configuration: WXGATE_APP_SECRET: AppSecret of an unusual form; hint: copy it again"},
		{"follow page without a picture", []string{"WXGATE_REQUIRE_FOLLOW=true"}, 0, `note  configuration: WXGATE_REQUIRE_FOLLOW="true": follow page without a picture; hint: set WXGATE_FOLLOW_QR_URL`},
		{"hidden picture", []string{"WXGATE_REQUIRE_FOLLOW=true", "WXGATE_FOLLOW_QR_URL=/a/b/c/qr.png"}, 0, `note  configuration: WXGATE_FOLLOW_QR_URL="/a/b/c/qr.png": picture on no public path; hint: add its path to WXGATE_PUBLIC_PATHS`},
	})
}

// The same fault: exit code 1 of check, 2 of serve and explain, with the same text.
func TestFaultsOfCommands(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for _, tt := range []struct{ changes, want string }{
		{"WXGATE_PUBLIC_PATHS=/a*,/b,/c*", "item 3 of the list"},
		{"WXGATE_APP_ID=gh_0123456789ab", "original id"},
		{"WXGATE_HUB_KEY_FILE=" + missing, missing},
		{"WXGATE_ASSERTION_KEYS_FILE=main.go", "WXGATE_ASSERTION_KEYS_FILE"},
		{"WXGATE_LISTEN=:9191 WXGATE_ADMIN_LISTEN=:9191", "overlaps the address"},
		{"WXGATE_TLS_CERT_FILE=main.go WXGATE_TLS_KEY_FILE=main.go", "the file holds no PEM certificate"},
	} {
		environ := environment("http://127.0.0.1:1", append(strings.Fields(tt.changes), "WXGATE_WECHAT_API_URL=http://127.0.0.1:1")...)
		for command, want := range map[string]int{"check": 1, "serve": 2, "explain /": 2} {
			var stdout, stderr strings.Builder
			code := wxgate.Run(strings.Fields(command), environ, &stdout, &stderr)
			if text := stdout.String() + stderr.String(); code != want || !strings.Contains(text, tt.want) {
				t.Errorf("%s with %s: exit %d, want %d and %q:\n%s", command, tt.changes, code, want, tt.want, text)
			}
		}
	}
}
