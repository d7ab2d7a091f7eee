package main_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// TestScripts runs the commands as a user does. The environment of each script has
// a valid configuration with an emulator and a site, over HTTP and, with its own
// CA, over HTTPS. These commands are added:
//
//	exit CODE program [args...]   runs the program and checks its exit code
//	account freeze | allow IP     changes the account at the emulator
//	followers N                   sets its number of followers
//	quota PATH N                  sets the daily quota of an API path
//	asked PATH N                  checks the number of calls of an API path
//	last FILE                     sets LAST to the openid in the last line
//	distinct FILE FILE N          checks the number of different lines in both
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":      exitCommand,
			"account":   accountCommand,
			"followers": followersCommand,
			"quota":     quotaCommand,
			"asked":     askedCommand,
			"last":      lastCommand,
			"distinct":  distinctCommand,
		},
	})
}

type emulatorKey struct{}

func setUpScript(e *testscript.Env) error {
	wx := wechattest.NewServer()
	e.Defer(wx.Close)
	e.Values[emulatorKey{}] = wx
	site := httptest.NewServer(http.HandlerFunc(hello))
	e.Defer(site.Close)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(hello))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // one script refuses its certificate
	secure.StartTLS()
	e.Defer(secure.Close)

	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(e.WorkDir, "ca.pem"), ca, 0o600); err != nil {
		return err
	}
	e.Vars = append(e.Vars, environment(site.URL, "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_WECHAT_OPEN_URL="+wx.URL)...)
	e.Setenv("SITE", site.URL)
	e.Setenv("SECURE_SITE", secure.URL)
	e.Setenv("SECURE_SITE_BY_NAME", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1))
	e.Setenv("NOBODY", "http://127.0.0.1:1")
	return nil
}

// exitCommand is exit CODE program [args...].
func exitCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		e, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = e.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// accountCommand is account freeze, or account allow IP.
func accountCommand(ts *testscript.TestScript, _ bool, args []string) {
	wx := ts.Value(emulatorKey{}).(*wechattest.Server)
	switch {
	case len(args) == 1 && args[0] == "freeze":
		wx.FreezeSecret(wechattest.StockAppID)
	case len(args) == 2 && args[0] == "allow":
		account := wechattest.StockAccount()
		account.IPAllowList = []string{args[1]}
		ts.Check(wx.SetAccount(account))
	default:
		ts.Fatalf("usage: account freeze | account allow IP")
	}
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

// followersCommand is followers N.
func followersCommand(ts *testscript.TestScript, _ bool, args []string) {
	ts.Value(emulatorKey{}).(*wechattest.Server).SetFollowers(wechattest.StockAppID, number(ts, args[0]))
}

// quotaCommand is quota PATH N.
func quotaCommand(ts *testscript.TestScript, _ bool, args []string) {
	wx := ts.Value(emulatorKey{}).(*wechattest.Server)
	wx.Advance(24 * time.Hour) // a new day
	wx.SetLimit(args[0], wechattest.Limit{PerDay: number(ts, args[1])})
}

// askedCommand is asked PATH N.
func askedCommand(ts *testscript.TestScript, _ bool, args []string) {
	wx := ts.Value(emulatorKey{}).(*wechattest.Server)
	if got, want := wx.Calls(args[0]), number(ts, args[1]); got != want {
		ts.Fatalf("%s is asked %d times, want %d", args[0], got, want)
	}
}

// lastCommand is last FILE.
func lastCommand(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Fields(ts.ReadFile(args[0]))
	var line struct{ OpenID string }
	ts.Check(json.Unmarshal([]byte(lines[len(lines)-1]), &line))
	ts.Setenv("LAST", line.OpenID)
}

// distinctCommand is distinct FILE FILE N.
func distinctCommand(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Fields(ts.ReadFile(args[0]) + ts.ReadFile(args[1]))
	slices.Sort(lines)
	if got, want := len(slices.Compact(lines)), number(ts, args[2]); got != want {
		ts.Fatalf("%d different lines, want %d", got, want)
	}
}

// README.md shows the table of variables between two marks.
func TestEnvironmentTableOfREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(readme), "<!-- env -->\n")
	got, _, ends := strings.Cut(rest, "<!-- /env -->")
	if !begins || !ends {
		t.Fatal("README.md lacks the lines <!-- env --> and <!-- /env -->")
	}
	p := start(t, nil, "env")
	if code := p.exit(); code != 0 {
		t.Fatalf("wxgate env exits with %d", code)
	}
	if diff := cmp.Diff(strings.TrimSpace(p.stdout.String()), strings.TrimSpace(got)); diff != "" {
		t.Errorf("README.md's table differs from `wxgate env` (-env +README):\n%s", diff)
	}
}
