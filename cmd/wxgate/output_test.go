package main_test

import (
	"io/fs"
	"strings"
	"syscall"
	"testing"

	wxgate "github.com/wxgate/wxgate/cmd/wxgate"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// fullDisk is a writer on which so many more bytes have space.
type fullDisk struct{ space int }

func (w *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), w.space)
	w.space -= n
	if n < len(p) {
		return n, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	}
	return n, nil
}

// A command whose result cannot be written fails, and says so.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	wx := wechattest.NewServer()
	t.Cleanup(wx.Close)
	environ := environment(newUpstream(t, hello), "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_WECHAT_OPEN_URL="+wx.URL)
	running := start(t, environment("http://127.0.0.1:1"), "serve")
	ready := []string{"WXGATE_ADMIN_LISTEN=" + running.listening("admin")}
	running.line(`"message":"started"`)
	const full = "the output could not be written: no space left on device"
	for _, tt := range []struct {
		args    string
		environ []string
		want    string // how the error begins
	}{
		{"check", environ, full},
		{"check", append(environ, "WXGATE_APP_SECRET=0123456789abcdef0123456789abcdef"), full}, // a check fails
		{"check", nil, full}, // so does the configuration
		{"explain /", environ, full},
		{"env", nil, full},
		{"keygen", nil, full},
		{"version", nil, full},
		{"--version", nil, full},
		{"man", nil, full},
		{"completion bash", nil, full},
		{"completion zsh", nil, full},
		{"completion fish", nil, full},
		{"__complete e", nil, full},
		{"help", nil, full},
		{"help check", nil, full},
		{"--help", nil, full},
		{"check --help", nil, full},
		{"healthcheck", ready, full},
		{"followers", environ, "print followers: " + full},
	} {
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			for _, space := range []int{0, 5} {
				var stderr strings.Builder
				code := wxgate.Run(strings.Fields(tt.args), tt.environ, &fullDisk{space}, &stderr)
				_, last, _ := strings.Cut("\n"+stderr.String(), "\nwxgate: ") // package cobra may say what it completes
				if code != 1 || !strings.HasPrefix(last, tt.want+"\n") {
					t.Errorf("with space for %d bytes: exit code %d, stderr %q, want 1 and %q", space, code, stderr.String(), tt.want)
				}
			}
		})
	}
}

// /dev/full is a device that is always full.
func TestOutputToAFullDevice(t *testing.T) {
	t.Parallel()
	p := startCommand(t, nil, []string{"sh", "-c", "exec wxgate env >/dev/full"})
	const want = "wxgate: the output could not be written: no space left on device\n"
	if code := p.exit(); code != 1 || p.stderr.String() != want {
		t.Errorf("exit code %d, stderr %q, want 1 and %q", code, p.stderr, want)
	}
}

// Programs that ignore the output of others, such as Python's subprocess and Node.js, open
// the null device for reading and writing. Go's runtime does the same for a closed stdout.
func TestIgnoredOutput(t *testing.T) {
	t.Parallel()
	environ := environment("http://127.0.0.1:1")
	for _, args := range []string{"version", "env", "completion bash", "check --help", "explain /"} {
		p := startCommand(t, environ, []string{"sh", "-c", "exec wxgate " + args + " 1<>/dev/null"})
		if code := p.exit(); code != 0 || p.stderr.String() != "" {
			t.Errorf("%s to the null device: exit code %d, stderr %q, want 0 and nothing", args, code, p.stderr)
		}
	}
}
