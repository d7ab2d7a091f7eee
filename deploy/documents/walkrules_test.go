package documents_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a walk accepts and refuses: the text is a document, fault a part of the first
// error, or "".
func TestWalk(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, fault string }{
		{"succeeds", "```sh\ntrue\n```\n", ""},
		{"fails", "```sh\nfalse\n```\n", "exit status 1"},
		{"fails in the middle", "```sh\nfalse\ntrue\n```\n", "exit status 1"},
		{"fails before &&", "```sh\nfalse && true\n```\n", "exit status 1"},
		{"ends, instead of serving", "```sh\nwxgate() { true; }\nwxgate\n```\n", "instead of serving"},
		{"exports", "```sh\nexport A='it is' B=2\n```\n```sh\ntest \"$A$B\" = 'it is2'\n```\n", ""},
		{"exports to another section", "# x\n## a\n```sh\nexport A=1\n```\n## b\n```sh\ntest -z \"$A\"\n```\n", ""},
		{"exports to a part of the section", "# x\n## a\n```sh\nexport A=1\n```\n### b\n```sh\ntest \"$A\" = 1\n```\n", ""},
		{"folder", "```sh\nmkdir in\ncd in\n```\n```sh\ntest \"$(basename \"$PWD\")\" = in\n```\n", ""},
		{"needs what no test has", "<!-- needs: a cluster -->\n```sh\nfalse\n```\n", ""},
		{"needs it, and has a quote too many", "<!-- needs: a cluster -->\n```sh\necho '\n```\n", "exit status 2"},
		{"needs a program that is there", "<!-- needs: curl -->\n```sh\ncurl --no-such-option\n```\n", "exit status 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(tt.text, "curl") && !installed("curl") {
				t.Skip("no curl on this machine")
			}
			d, w := parse("x.md", []byte(tt.text)), newWalk(t, t.TempDir())
			fault := ""
			for i := range d.blocks {
				if err := w.block(&d.blocks[i]); err != nil {
					fault = err.Error()
					break
				}
			}
			if fault == "" != (tt.fault == "") || !strings.Contains(fault, tt.fault) {
				t.Errorf("the fault is %q, want one with %q", fault, tt.fault)
			}
		})
	}
}

// The environment of the tests does not configure the wxgate of a document.
func TestWalkHidesVariables(t *testing.T) {
	t.Setenv("WXGATE_MODE", "forward-auth")
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	w := newWalk(t, t.TempDir())
	if err := w.block(&block{text: "env >out\n"}); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(filepath.Join(w.dir, "out"))
	if err != nil || strings.Contains(string(out), "WXGATE_MODE") || strings.Contains(string(out), "OTEL_") {
		t.Errorf("the block has these variables (%v):\n%s", err, out)
	}
}

// The commands that serve, and others that look like them.
func TestServes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"go run ./cmd/wxgate demo\n":                                  true,
		"go run ./cmd/wxgate demo --upstream http://127.0.0.1:3000\n": true,
		"./wxgate\n":                                                     true,
		"./wxgate serve   # until Ctrl-C\n":                              true,
		"./wxgate check && ./wxgate\n":                                   true,
		"export A=b\n./wxgate emulator --listen 127.0.0.1:8081\n":        true,
		"cd deploy/traefik && traefik --configFile=traefik.yml\n":        true,
		"caddy run --config deploy/caddy/Caddyfile\n":                    true,
		"./wxgate check\n":                                               false,
		"./wxgate keygen > secrets/cookie-keys\n":                        false,
		"./wxgate emulator &\nsleep 1\n":                                 false,
		"go build -o wxgate ./cmd/wxgate\n":                              false,
		"sudo install -m 755 wxgate /usr/local/bin/\n":                   false,
		"kubectl -n shop rollout restart deployment/wxgate\n":            false,
		"wxgate revoke oVisitor0123456789abcdefghij     # one visitor\n": false,
		"curl -s http://127.0.0.1:9090/readyz # of the running wxgate\n": false,
	} {
		if got := serves.MatchString(text); got != want {
			t.Errorf("%q serves: %t, want %t", text, got, want)
		}
	}
}
