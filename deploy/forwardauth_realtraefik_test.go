package deploy_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// traefikHabits are those of Traefik 3.6.12.
var traefikHabits = habits{
	rewrites: map[string]string{
		"//shop/7?a=1":              "/shop/7?a=1",
		"/orders%2F1//x;y=1?q=/../": "/orders%2F1/x;y=1?q=/../",
		"/%7Euser/%41":              "/~user/A",
		"/static/%00/../orders":     "/static/orders",
	},
	noID:       true,
	noPrivate:  true,
	dropsNamed: true,
}

func TestTraefik(t *testing.T) {
	t.Parallel()
	traefik := installed(t, "traefik")
	testFront(t, func(t *testing.T, listen, wxgate, site string) {
		traefikWith(listen, wxgate, site).start(t, traefik)
	}, traefikHabits)
}

// traefikTest is Traefik's configuration with the addresses of a test.
type traefikTest struct {
	listen, wxgate, site string
	static               []string // pairs of old and new text in traefik.yml
	dynamic              func(t *testing.T, text string) string
	scheme               string
}

func traefikWith(listen, wxgate, site string) traefikTest {
	return traefikTest{listen: listen, wxgate: wxgate, site: site, scheme: "http"}
}

// start starts Traefik with a log of JSON lines and waits until it has its routes.
func (c traefikTest) start(t *testing.T, traefik string) *process {
	t.Helper()
	dir := t.TempDir()
	routes := configuration(t, "traefik/dynamic.yml", "127.0.0.1:8080", c.wxgate, "127.0.0.1:3000", c.site)
	if c.dynamic != nil {
		routes = c.dynamic(t, routes)
	}
	writeFile(t, filepath.Join(dir, "dynamic.yml"), routes)
	file := filepath.Join(dir, "traefik.yml")
	writeFile(t, file, configuration(t, "traefik/traefik.yml", append([]string{
		`":8000"`, `"` + c.listen + `"`,
		"filename: dynamic.yml", "filename: " + filepath.Join(dir, "dynamic.yml"),
	}, c.static...)...)+"log:\n  level: INFO\n  format: json\n")
	p := start(t, nil, traefik, "--configFile="+file)
	client := http.Client{Transport: trustingTransport(t), Timeout: patience}
	eventually(t, "Traefik has its routes", func() bool {
		res, err := client.Get(c.scheme + "://" + c.listen + "/_wx/me")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode != http.StatusNotFound
	})
	return p
}

// trustingTransport accepts Traefik's default certificate, which it makes itself.
func trustingTransport(t *testing.T) *http.Transport {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// The shipped files give Traefik nothing to warn of.
func TestTraefikLogsNoWarning(t *testing.T) {
	t.Parallel()
	traefik := installed(t, "traefik")
	var p *process
	f := newFront(t, buildGateway(t), func(t *testing.T, listen, wxgate, site string) {
		p = traefikWith(listen, wxgate, site).start(t, traefik)
	})
	f.habits = traefikHabits
	v := f.signIn(t, "/orders")
	f.testWithoutSession(t)
	f.testWebSocket(t, v)
	p.stop()
	lines := 0
	for line := range strings.Lines(p.text()) {
		var entry struct{ Level, Message string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		lines++
		// Traefik writes this line at each start, with any configuration.
		general := strings.HasPrefix(entry.Message, "Traefik can reject some encoded characters")
		if entry.Level != "info" && entry.Level != "debug" && !general {
			t.Errorf("Traefik logs %s", line)
		}
	}
	if lines == 0 {
		t.Error("Traefik logs nothing")
	}
}

func TestTraefikHoldsTheLargestHeaders(t *testing.T) {
	t.Parallel()
	traefik := installed(t, "traefik")
	newFront(t, buildGateway(t), func(t *testing.T, listen, wxgate, site string) {
		traefikWith(listen, wxgate, site).start(t, traefik)
	}).testLargestHeaders(t)
}

// Without Traefik's cleaning of paths, nothing gets past wxgate either.
func TestTraefikWithPathsAsSent(t *testing.T) {
	t.Parallel()
	traefik := installed(t, "traefik")
	f := newFront(t, buildGateway(t), func(t *testing.T, listen, wxgate, site string) {
		c := traefikWith(listen, wxgate, site)
		c.static = []string{"    http:\n", "    http:\n      sanitizePath: false\n"}
		c.start(t, traefik)
	})
	f.habits = traefikHabits
	f.habits.rewrites = map[string]string{"/%7Euser/%41": "/~user/A"}
	v := f.signIn(t, "/orders")
	f.testPathTricks(t)
	f.testOwnEndpoints(t, v)
	f.testSameBytes(t, v)
}

// A page of wxgate up to the size in the file reaches the visitor. A larger one
// arrives as an empty 401, as the file says.
func TestTraefikLimitsPages(t *testing.T) {
	t.Parallel()
	traefik := installed(t, "traefik")
	wxgate := buildGateway(t)
	unauthorized := readFile(t, filepath.Join(repository, "gateway/internal/pages/templates/unauthorized.html"))
	for _, tt := range []struct {
		name  string
		extra int
		whole bool
	}{{"built-in", 0, true}, {"50 KiB larger", 50 << 10, true}, {"64 KiB larger", 64 << 10, false}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			text := strings.Replace(unauthorized, "<p>", "<p>"+strings.Repeat("x", tt.extra), 1)
			writeFile(t, filepath.Join(dir, "unauthorized.html"), text)
			f := newFront(t, wxgate, func(t *testing.T, listen, wxgate, site string) {
				traefikWith(listen, wxgate, site).start(t, traefik)
			}, "WXGATE_PAGES_DIR="+dir)
			res := newVisitor(t).send(t, "POST", f.origin+"/orders", pageLoad, nil)
			if whole := strings.HasSuffix(strings.TrimSpace(string(res.body)), "</html>"); res.StatusCode != 401 ||
				whole != tt.whole || len(res.body) < tt.extra && whole {
				t.Errorf("form without a session = %d with %d bytes, whole page %t, want 401 and %t",
					res.StatusCode, len(res.body), whole, tt.whole)
			}
		})
	}
}

// TLS ends at Traefik, and browsers speak HTTP/2.
func TestTraefikWithTLS(t *testing.T) {
	t.Parallel()
	traefik := installed(t, "traefik")
	f := front{address: freeAddress(t), site: newSite(t), habits: traefikHabits}
	f.origin = "https://" + f.address
	var listening string
	f.wxgate, listening = startGateway(t, buildGateway(t), "WXGATE_PUBLIC_URL="+f.origin, "WXGATE_SESSION_TTL=4s")
	c := traefikWith(f.address, listening, f.site.address)
	c.scheme = "https"
	c.static = []string{"    http:\n", "    http:\n      tls: {}\n"}
	c.start(t, traefik)

	v := newVisitor(t)
	v.client.Transport = trustingTransport(t)
	f.signInAs(t, v, "/orders?from=menu")
	res := v.get(t, f.origin+"/orders", pageLoad)
	got := f.reached(t, res)
	if proto := got.Header.Get("X-Forwarded-Proto"); res.Proto != "HTTP/2.0" || proto != "https" {
		t.Errorf("page by %s, site got X-Forwarded-Proto %q, want HTTP/2.0 and https", res.Proto, proto)
	}
	nobody := newVisitor(t)
	nobody.client.Transport = v.client.Transport
	f.testForgedHeaders(t, nobody, v)
	eventually(t, "the site's answer renews the session", func() bool {
		cookies := v.get(t, f.origin+"/orders", pageLoad).Cookies()
		if len(cookies) > 0 && (cookies[0].Name != "__Host-wxgate" || !cookies[0].Secure || !cookies[0].HttpOnly) {
			t.Errorf("renewed by %q, want __Host-wxgate, Secure, HttpOnly", cookies[0])
		}
		return len(cookies) > 0
	})

	conn := tls.Client(f.dial(t), &tls.Config{InsecureSkipVerify: true})
	fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		f.address, v.cookies(t, f.origin))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != 101 {
		t.Errorf("WebSocket = %v (%v), want 101", answer, err)
	}
	own := http.Header{"Origin": {f.origin}, "Sec-Fetch-Site": {"same-origin"}}
	if res := v.send(t, "POST", f.origin+"/_wx/logout", own, nil); res.StatusCode != 303 {
		t.Errorf("POST /_wx/logout = %d, want 303", res.StatusCode)
	}
	if res := v.get(t, f.origin+"/orders", pageLoad); res.StatusCode != 302 {
		t.Errorf("GET /orders after the sign-out = %d, want 302", res.StatusCode)
	}
}

// With routers for each of two sites, wxgate chooses the site by the host by which
// Traefik chooses the router, not by any header of the client.
func TestTraefikOfTwoSites(t *testing.T) {
	t.Parallel()
	traefik := installed(t, "traefik")
	f := newFront(t, buildGateway(t), func(t *testing.T, listen, wxgate, site string) {
		c := traefikWith(listen, wxgate, site)
		c.dynamic = withHosts("a.example.com", "b.example.com")
		c.start(t, traefik)
	}, "WXGATE_PUBLIC_URL=", "WXGATE_SITES_0_HOSTS=a.example.com",
		"WXGATE_SITES_1_HOSTS=b.example.com", "WXGATE_SITES_1_PUBLIC_PATHS=/orders")
	f.testTwoSites(t)
}

// withHosts returns a change to dynamic.yml that writes the routers to the site once
// for each host.
func withHosts(hosts ...string) func(t *testing.T, text string) string {
	return func(t *testing.T, text string) string {
		t.Helper()
		var file map[string]map[string]map[string]any
		if err := yaml.Unmarshal([]byte(text), &file); err != nil {
			t.Fatal(err)
		}
		routers := file["http"]["routers"]
		for _, name := range []string{"site", "socket"} {
			router := routers[name].(map[string]any)
			delete(routers, name)
			for _, host := range hosts {
				named := map[string]any{"rule": fmt.Sprintf("Host(`%s`) && %s", host, router["rule"])}
				for key, value := range router {
					if key != "rule" {
						named[key] = value
					}
				}
				routers[name+"-"+url.PathEscape(host)] = named
			}
		}
		out, err := yaml.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
}
