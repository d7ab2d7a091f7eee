package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// checkSecretFiles says which files with secrets everybody on this machine may read.
func checkSecretFiles(report *report, c *config.Config) {
	files := c.SecretFiles()
	if len(files) == 0 || runtime.GOOS == "windows" { // which has no such mode
		return
	}
	odd := false
	for _, f := range files {
		if real, err := filepath.EvalSymlinks(f.Path); err == nil && readableByAll(real) {
			odd = true
			report.note("secret file", f.Variable+": everybody on this machine may read "+f.Path+
				"; hint: "+modeHint(f, real))
		}
	}
	if !odd {
		report.pass("secret file", "not everybody on this machine may read the secrets")
	}
}

// readableByAll reports whether a file may be read by those who are neither its owner
// nor of its group.
func readableByAll(path string) bool {
	const read = 0o004
	info, err := os.Stat(path)
	return err == nil && info.Mode()&read != 0
}

// modeHint says how to change who may read a file. Kubernetes mounts the files of a
// Secret as links into a folder whose name begins with two dots.
func modeHint(f config.SecretFile, real string) string {
	switch {
	case strings.Contains(real, string(filepath.Separator)+".."):
		return "set defaultMode: 0440 of the Secret's volume, and fsGroup of the pod"
	case strings.HasPrefix(f.Path, "/run/secrets/"):
		return "give the secret the mode 0400 and wxgate's uid"
	default:
		return "chmod o-r " + f.Path
	}
}

// checkLists looks at the lists of openids of a site.
func checkLists(report *report, c *config.Config, seen map[string]bool) {
	for _, list := range []struct {
		variable, path string
		allows         bool
	}{
		{"WXGATE_ALLOW_OPENIDS_FILE", c.AllowOpenIDsFile, true},
		{"WXGATE_DENY_OPENIDS_FILE", c.DenyOpenIDsFile, false},
	} {
		if list.path == "" || seen[list.path] {
			continue
		}
		seen[list.path] = true
		text, err := os.ReadFile(list.path)
		if err != nil {
			continue // a fault of the configuration
		}
		checkList(report, c.NameOf(list.variable)+": "+list.path, string(text), list.allows)
	}
}

// checkList looks at the text of a list, without showing an openid.
func checkList(report *report, name, text string, allows bool) {
	count, odd := 0, []string{}
	for number, id := range gateway.OpenIDLines(text) {
		count++
		if !looksLikeOpenID(id) {
			odd = append(odd, fmt.Sprint(number))
		}
	}
	const most = 10
	switch {
	case count == 0 && allows:
		report.note("list", name+" is empty; hint: nobody gets in: write one openid a line, or unset the variable")
		return
	case len(odd) > 0:
		lines := strings.Join(odd[:min(len(odd), most)], ", ")
		if len(odd) > most {
			lines += fmt.Sprintf(" and %d more", len(odd)-most)
		}
		report.note("list", name+": no openid or unionid as WeChat makes them in line "+lines+
			"; hint: they begin with o and have 28 or 29 letters, digits, - and _")
		return
	}
	noun := "openids"
	if count == 1 {
		noun = "openid"
	}
	report.pass("list", fmt.Sprintf("%s holds %d %s", name, count, noun))
}

// looksLikeOpenID reports whether id has the form of WeChat's openids and unionids. No
// document promises it.
func looksLikeOpenID(id string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return strings.HasPrefix(id, "o") && len(id) >= 26 && len(id) <= 32 && strings.Trim(id, letters) == ""
}
