package deploy_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := installed(t, "nginx")
	testFront(t, func(t *testing.T, listen, wxgate, site string) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "wxgate.conf"), configuration(t, "nginx/wxgate.conf",
			"listen 8000;", "listen "+listen+";",
			"127.0.0.1:8080", wxgate,
			"127.0.0.1:3000", site,
		))
		// What is around the file in a distribution's nginx.conf, with paths of
		// this test's own.
		settings := "daemon off;\npid nginx.pid;\nerror_log stderr warn;\nevents {}\n"
		if me, err := user.Current(); err == nil && os.Getuid() == 0 {
			settings = "user " + me.Username + ";\n" + settings // else nobody, who may not enter the folder
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
	})
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
