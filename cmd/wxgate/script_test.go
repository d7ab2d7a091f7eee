package main_test

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// TestScripts runs the commands as a person does. Each script has a whole
// configuration in its environment, an emulator for it, and a site behind it
// over HTTP and, with a CA of its own, over HTTPS; and two commands more:
//
//	exit CODE program [args...]   runs the program, which must exit so
//	account freeze | allow IP     changes the account at the emulator
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit":    exitCommand,
			"account": accountCommand,
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
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // one script hangs up on it
	secure.StartTLS()
	e.Defer(secure.Close)
	gone := httptest.NewServer(http.HandlerFunc(hello))
	gone.Close()

	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(e.WorkDir, "ca.pem"), ca, 0o600); err != nil {
		return err
	}
	e.Vars = append(e.Vars, environment(site.URL, "WXGATE_WECHAT_API_URL="+wx.URL, "WXGATE_WECHAT_OPEN_URL="+wx.URL)...)
	e.Setenv("SITE", site.URL)
	e.Setenv("SECURE_SITE", secure.URL)
	e.Setenv("SECURE_SITE_BY_NAME", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1))
	e.Setenv("NOBODY", gone.URL)
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

// The table of variables stands in README.md too, between two marks.
func TestEnvironmentTableOfREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("there is no README.md yet")
	} else if err != nil {
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
