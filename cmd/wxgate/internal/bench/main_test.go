package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestShort measures three modes with tiny numbers, one of them with a further server.
func TestShort(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	further := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "theirs=1" {
			http.Error(w, "no cookie", http.StatusUnauthorized)
		}
	}))
	defer further.Close()
	dir := t.TempDir()
	files := []string{filepath.Join(dir, "bench.json"), filepath.Join(dir, "bench.svg")}
	var stdout, stderr strings.Builder
	args := []string{"--short", "--json", files[0], "--svg", files[1], "--target", "theirs=" + further.URL + "/check",
		"--header", "theirs=Cookie: theirs=1", "check", "start", "memory"}
	status := run(t.Context(), args, &stdout, &stderr)
	if status != 0 {
		t.Fatalf("exit code %d\n%s", status, stderr.String())
	}
	for _, want := range []string{
		"the figures mean nothing",
		"### check", "| GET | empty |", "| GET | wxgate |", "| GET | theirs |", "| GET | empty, again |",
		"### start", "| process | wxgate |",
		"### memory", "| a new process | wxgate |", "| 4 idle connections | plain |",
	} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("stdout lacks %q", want)
		}
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, row := range got.Results[0].Rows {
		if row.Values["cpu"].Min <= 0 || row.Values["p99"].Min <= 0 || row.Ratio == nil {
			t.Errorf("%s has no processor time, latency or ratio: %+v", row.Server, row)
		}
	}
	if image, err := os.ReadFile(files[1]); err != nil || !strings.HasPrefix(string(image), "<svg") {
		t.Errorf("chart: %.40q, %v", image, err)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args   string
		status int
		stderr string
	}{
		{"--help", 0, "modes (default: all):\n  proxy "},
		{"prxy", 2, `unknown mode "prxy"`},
		{"--target nginx", 2, "expected NAME=URL"},
		{"--target nginx=ftp://127.0.0.1", 2, "begins with http://"},
		{"--header nginx=Cookie:x", 2, `no --target is called "nginx"`},
		{"--case HEAD", 2, "the mode proxy has no such case"},
		{"--rounds many", 2, "invalid value"},
		{"--wxgate /nowhere/wxgate --short start", 1, "/nowhere/wxgate"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr strings.Builder
			status := run(t.Context(), strings.Fields(tt.args), &stdout, &stderr)
			if status != tt.status || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit code %d, want %d with %q\n%s", status, tt.status, tt.stderr, stderr.String())
			}
		})
	}
}

func TestChosenCases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--case", "GET, range", "--case", "GET", "proxy"}, "GET; GET, range"},
		{[]string{"--case", "POST 1 MiB"}, "POST 1 MiB"},
		{nil, "GET; GET, public path; POST 4 KiB; POST 4 KiB, chunked; GET, range; GET 1 MiB; POST 1 MiB"},
	} {
		o, err := parseOptions(tt.args, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range o.proxyCases() {
			names = append(names, c.name)
		}
		if got := strings.Join(names, "; "); got != tt.want {
			t.Errorf("%q chooses %s, want %s", tt.args, got, tt.want)
		}
	}
}

// TestNotInWxgate checks that wxgate itself has none of the libraries of the bench.
func TestNotInWxgate(t *testing.T) {
	t.Parallel()
	deps, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../..").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range []string{"go-analyze/", "hdrhistogram", "freetype", "golang.org/x/image"} {
		if strings.Contains(strings.ToLower(string(deps)), library) {
			t.Errorf("wxgate depends on %s", library)
		}
	}
}

// A failing server ends the load at once, and the error says what was wrong.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer s.Close()
	address := s.Listener.Addr().String()
	l := load{
		address: address, connections: 3, warm: 9, requests: 9,
		request: always(fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", address)),
		want:    expected{status: 200, bytes: 0},
	}
	c, err := l.open(context.Background())
	if err == nil {
		c.close()
	}
	if err == nil || !strings.Contains(err.Error(), "status 502, want 200") {
		t.Errorf("open = %v, want the status", err)
	}
}
