package faults_test

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// installed returns the path of a program. If this machine lacks it, the test is
// skipped, or fails if TEST_REQUIRE_ALL is 1.
func installed(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
	}
	if os.Getenv("TEST_REQUIRE_ALL") == "1" {
		t.Fatalf("no %s on this machine", name)
	}
	t.Skipf("no %s on this machine", name)
	return ""
}

// slow skips a row that takes long, unless TEST_SLOW or TEST_REQUIRE_ALL is 1.
func slow(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_SLOW") != "1" && os.Getenv("TEST_REQUIRE_ALL") != "1" {
		t.Skip("slow; TEST_SLOW=1 runs it")
	}
}

// startNginx starts nginx in front of gateways. It does not use a gateway for a second
// that did not answer. It repeats a request that failed only if it is idempotent or
// was not sent, which is its default.
func startNginx(t *testing.T, listen string, gateways ...string) {
	t.Helper()
	nginx := installed(t, "nginx")
	dir := t.TempDir()
	var text strings.Builder
	text.WriteString("daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr error;\n")
	text.WriteString("events { worker_connections 8192; }\n")
	if me, err := user.Current(); err == nil && os.Getuid() == 0 {
		text.WriteString("user " + me.Username + ";\n") // the default, nobody, may not enter the directory
	}
	text.WriteString("http {\n\taccess_log off;\n")
	for _, path := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text.WriteString("\t" + path + "_temp_path " + path + ";\n")
	}
	text.WriteString("\tupstream gateways {\n")
	for _, address := range gateways {
		text.WriteString("\t\tserver " + address + " max_fails=1 fail_timeout=1s;\n")
	}
	text.WriteString(`		keepalive 32;
	}
	map $http_upgrade $upgrade_connection {
		default upgrade;
		"" "";
	}
	server {
		listen ` + listen + `;
		location / {
			proxy_pass http://gateways;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $upgrade_connection;
			proxy_set_header X-Forwarded-For $remote_addr;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_buffer_size 16k;
			proxy_buffers 8 16k;
			proxy_busy_buffers_size 32k;
		}
	}
}
`)
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	log := new(output)
	startProcess(t, nil, log, log, nginx, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of nginx, shortened:\n%s", shortened(log.String()))
		}
	})
	eventually(t, "nginx listens", func() bool { return listens(listen) })
}
