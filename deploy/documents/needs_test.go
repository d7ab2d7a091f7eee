package documents_test

import (
	"os"
	"os/exec"
	"testing"
)

// A need is a word of the comments <!-- needs: … -->: what a block needs beside a shell
// and Go.
type need struct {
	kind   kind
	reason string // why a machine may lack it, or why no test has it
}

type kind int

const (
	never    kind = iota // the block does not run
	program              // it runs where a program of this name is installed
	packaged             // likewise; Debian has a package, so that it is there if TEST_REQUIRE_ALL is 1
)

var needs = map[string]need{
	"caddy":    {packaged, "a proxy that has to be installed"},
	"curl":     {packaged, "small systems lack it"},
	"helm":     {program, "has to be installed"},
	"jq":       {packaged, "has to be installed"},
	"kubectl":  {program, "has to be installed"},
	"node":     {program, "has to be installed"},
	"openssl":  {packaged, "small systems lack it"},
	"promtool": {packaged, "part of Prometheus, has to be installed"},
	"python3":  {program, "has to be installed"},
	"traefik":  {program, "a proxy that has to be installed"},

	"a cluster":               {never, "it would change a Kubernetes cluster"},
	"a registry":              {never, "it would push an image"},
	"a release":               {never, "it reads what only a release has"},
	"a run outside the tests": {never, "it runs the tests, this one too"},
	"a WeChat account":        {never, "it asks WeChat, with a secret"},
	"an idle machine":         {never, "it measures for half an hour"},
	"docker":                  {never, "it would pull images and start containers that stay"},
	"Redis":                   {never, "it would end the sessions that Redis holds"},
	"root":                    {never, "it would change the machine"},
	"systemd":                 {never, "it would change the services of the machine"},
	"the internet":            {never, "it downloads more than the tests do"},
}

// missing returns what the machine lacks for the block, or "".
func (b *block) missing(t *testing.T) string {
	t.Helper()
	for _, word := range b.needs {
		need, known := needs[word]
		if !known {
			t.Errorf("line %d: no needs of that name: %q; they are in needs_test.go", b.line, word)
		}
		if need.kind == never {
			return word
		}
		if _, err := exec.LookPath(word); err != nil {
			if need.kind == packaged && os.Getenv("TEST_REQUIRE_ALL") == "1" {
				t.Errorf("no %s on this machine", word)
			}
			return word
		}
	}
	return ""
}
