package main_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// accountOf returns an environment with the emulator's account and nothing else.
func accountOf(wx *wechattest.Server) []string {
	return []string{
		"WXGATE_APP_ID=" + wechattest.StockAppID,
		"WXGATE_APP_SECRET=" + wechattest.StockAppSecret,
		"WXGATE_WECHAT_API_URL=" + wx.URL,
	}
}

// An interrupted run prints whole lines and says how to continue; both runs
// together print every follower once.
func TestFollowersInterrupted(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wx := wechattest.NewServer()
			t.Cleanup(wx.Close)
			wx.SetFollowers(wechattest.StockAppID, 45_000)
			wx.Fault(wechattest.Fault{Path: "/cgi-bin/user/get", Mode: wechattest.FaultSlowHeader, Delay: 500 * time.Millisecond, Times: -1})
			p := start(t, accountOf(wx), "followers", "--format", "csv")
			p.line("o")
			p.signal(signal)
			if code := p.exit(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			text := p.stdout.String()
			lines := strings.Split(text, "\n")
			first := lines[1 : len(lines)-1] // after the header
			if len(first) == 0 || len(first) >= 45_000 || lines[len(lines)-1] != "" {
				t.Fatalf("%d lines, the last %q; want some, and whole ones", len(first), lines[len(lines)-1])
			}
			want := fmt.Sprintf("wxgate: interrupted\n%d followers printed: to continue, use --after with the last openid printed\n", len(first))
			if got := p.stderr.String(); got != want {
				t.Errorf("stderr %q, want %q", got, want)
			}

			wx.ClearFaults()
			p = start(t, accountOf(wx), "followers", "--format", "csv", "--after", first[len(first)-1])
			if code := p.exit(); code != 0 {
				t.Fatalf("the second run exits with %d", code)
			}
			all := append(first, strings.Fields(p.stdout.String())...)
			slices.Sort(all)
			if n := len(slices.Compact(all)); n != 45_000 || len(all) != 45_000 {
				t.Errorf("%d followers in both runs, %d different ones, want 45000", len(all), n)
			}
		})
	}
}

// When the reader closes the pipe, the run ends without a message, also if SIGPIPE
// is ignored.
func TestFollowersBrokenPipe(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"exec wxgate followers", "trap '' PIPE; exec wxgate followers"} {
		wx := wechattest.NewServer()
		t.Cleanup(wx.Close)
		wx.SetFollowers(wechattest.StockAppID, 100_000)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Env = append(accountOf(wx), "PATH="+os.Getenv("PATH"), "GOCOVERDIR="+os.Getenv("GOCOVERDIR"))
		stderr := newTranscript()
		cmd.Stdout, cmd.Stderr = w, stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"openid":"o`) {
			t.Errorf("%s: first line %q, %v", command, line, err)
		}
		r.Close()
		cmd.Wait()
		if got := stderr.String(); got != "" {
			t.Errorf("%s: stderr %q, want nothing", command, got)
		}
		if n := wx.Calls("/cgi-bin/user/get"); n >= 10 {
			t.Errorf("%s: WeChat is asked for %d pages after the reader left", command, n)
		}
	}
}
