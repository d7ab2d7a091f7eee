package deploy_test

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := installed(t, "nginx")
	testFront(t, func(t *testing.T, listen, wxgate, site string) {
		startNginx(t, nginx, nginxConfiguration(t, listen, wxgate, site))
	}, habits{})
}

// nginxConfiguration returns the configuration with the addresses of a test.
func nginxConfiguration(t *testing.T, listen, wxgate, site string) string {
	t.Helper()
	return configuration(t, "nginx/wxgate.conf",
		"listen 8000;", "listen "+listen+";",
		"127.0.0.1:8080", wxgate,
		"127.0.0.1:3000", site,
	)
}

// startNginx starts nginx with the configuration inside an nginx.conf like that of a
// distribution, whose paths belong to this test.
func startNginx(t *testing.T, nginx, configuration string) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "wxgate.conf"), configuration)
	settings := "daemon off;\npid nginx.pid;\nerror_log stderr warn;\nevents {}\n"
	if me, err := user.Current(); err == nil && os.Getuid() == 0 {
		settings = "user " + me.Username + ";\n" + settings // the default, nobody, may not enter the directory
	}
	writeFile(t, filepath.Join(dir, "nginx.conf"), settings+`http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	include wxgate.conf;
}
`)
	start(t, nil, nginx, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
}

// With a server for each of two sites, wxgate chooses the site by the host by which
// nginx chooses the server, not by any header of the client.
func TestNginxOfTwoSites(t *testing.T) {
	t.Parallel()
	nginx := installed(t, "nginx")
	f := newFront(t, buildGateway(t), func(t *testing.T, listen, wxgate, site string) {
		shared, server, _ := strings.Cut(nginxConfiguration(t, listen, wxgate, site), "\nserver {\n")
		var text strings.Builder
		text.WriteString(shared)
		for _, name := range []string{"a.example.com", "b.example.com"} {
			text.WriteString("\nserver {\n" + strings.Replace(server, "server_name _;", "server_name "+name+";", 1))
		}
		startNginx(t, nginx, text.String())
	}, "WXGATE_PUBLIC_URL=", "WXGATE_SITES_0_HOSTS=a.example.com",
		"WXGATE_SITES_1_HOSTS=b.example.com", "WXGATE_SITES_1_PUBLIC_PATHS=/orders")
	f.testTwoSites(t)
}

// testTwoSites asks for a page that needs no session at b.example.com, and one at
// a.example.com.
func (f front) testTwoSites(t *testing.T) {
	for _, tt := range []struct {
		request string // request line and headers
		status  int
	}{
		{"GET /orders HTTP/1.1\r\nHost: b.example.com", 200},
		{"GET /orders HTTP/1.1\r\nHost: a.example.com", 401},
		{"GET http://a.example.com/orders HTTP/1.1\r\nHost: b.example.com", 401},
		{"GET /orders HTTP/1.1\r\nHost: a.example.com\r\nX-Forwarded-Host: b.example.com", 401},
		{"GET /orders HTTP/1.1\r\nHost: a.example.com\r\nX-Original-URL: http://b.example.com/orders", 401},
		{"GET /orders HTTP/1.1\r\nHost: a.example.com.:80", 401},
	} {
		conn := f.dial(t)
		fmt.Fprintf(conn, "%s\r\nSec-Fetch-Mode: cors\r\nConnection: close\r\n\r\n", tt.request)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", tt.request, err)
		}
		if got := readAnswer(t, res); got.StatusCode != tt.status {
			t.Errorf("%q: answered %d %.80s, want %d", tt.request, got.StatusCode, got.body, tt.status)
		}
	}
}

func TestNginxNamesIdentityHeaders(t *testing.T) {
	t.Parallel()
	text := strings.Join(strings.Fields(readFile(t, "nginx/wxgate.conf")), " ")
	for _, name := range identityHeaders {
		variable := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(name), "x-"), "-", "_")
		for _, want := range []string{
			"auth_request_set $" + variable + " $upstream_http_x_" + variable + ";",
			"proxy_set_header " + name + " $" + variable + ";",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("nginx/wxgate.conf lacks %q", want)
			}
		}
	}
}

// wxgate refuses a question about an upgrade that is no WebSocket. nginx takes such an
// Upgrade out of the request that it forwards, so that it has to ask without it too.
func TestNginxAsksAboutTheUpgradeThatItForwards(t *testing.T) {
	t.Parallel()
	text := readFile(t, "nginx/wxgate.conf")
	upgrades := regexp.MustCompile(`proxy_set_header Upgrade +(\S+);`).FindAllStringSubmatch(text, -1)
	for _, upgrade := range upgrades {
		if upgrade[1] != "$wx_upgrade" {
			t.Errorf("a request gets the Upgrade %s, want $wx_upgrade", upgrade[1])
		}
	}
	if len(upgrades) != 3 {
		t.Errorf("%d requests have an Upgrade, want the site's and the two questions", len(upgrades))
	}
}
