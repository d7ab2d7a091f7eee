package deploy_test

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

func TestCaddy(t *testing.T) {
	t.Parallel()
	caddy := installed(t, "caddy")
	testFront(t, func(t *testing.T, listen, wxgate, site string) {
		dir := t.TempDir()
		_, port, err := net.SplitHostPort(listen)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "Caddyfile")
		writeFile(t, file, configuration(t, "caddy/Caddyfile",
			"\n:8000 {", "\n:"+port+" {",
			"127.0.0.1:8080", wxgate,
			"127.0.0.1:3000", site,
		))
		start(t, []string{
			"CADDY_ADMIN=unix/" + filepath.Join(dir, "admin"), // not the default port, which another Caddy may use
			"XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "HOME=" + dir,
		}, caddy, "run", "--config", file, "--adapter", "caddyfile")
	}, habits{})
}

func TestCaddyNamesIdentityHeaders(t *testing.T) {
	t.Parallel()
	text := readFile(t, "caddy/Caddyfile")
	_, rest, _ := strings.Cut(text, "copy_headers {")
	copied, _, _ := strings.Cut(rest, "}")
	for _, name := range identityHeaders {
		if !strings.Contains(copied, "\t"+name+"\n") {
			t.Errorf("caddy/Caddyfile: copy_headers lacks %s", name)
		}
		if !strings.Contains(text, "\timport where_known "+name+"\n") {
			t.Errorf("caddy/Caddyfile lacks import where_known %s", name)
		}
	}
}
