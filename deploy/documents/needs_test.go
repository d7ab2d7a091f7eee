package documents_test

import (
	"os/exec"
	"testing"
)

// A need is a word of the comments <!-- needs: … -->: what a block needs beside a shell
// and Go.
type need struct {
	program bool   // runs where a program of this name is installed, otherwise nowhere
	reason  string // why a machine may lack it, or why no test can have it
}

var needs = map[string]need{
	"caddy":    {true, "a proxy that has to be installed"},
	"curl":     {true, "small systems lack it"},
	"helm":     {true, "has to be installed"},
	"jq":       {true, "has to be installed"},
	"kubectl":  {true, "has to be installed"},
	"node":     {true, "has to be installed"},
	"openssl":  {true, "small systems lack it"},
	"promtool": {true, "part of Prometheus, has to be installed"},
	"python3":  {true, "has to be installed"},
	"traefik":  {true, "a proxy that has to be installed"},

	"a cluster":               {false, "it would change a Kubernetes cluster"},
	"a registry":              {false, "it would push an image"},
	"a release":               {false, "it reads what only a release has"},
	"a run outside the tests": {false, "it runs the tests, this one too"},
	"a WeChat account":        {false, "it asks WeChat, with a secret"},
	"docker":                  {false, "it would pull images and start containers that stay"},
	"Redis":                   {false, "it would end the sessions that Redis holds"},
	"root":                    {false, "it would change the machine"},
	"systemd":                 {false, "it would change the services of the machine"},
	"the internet":            {false, "it downloads more than the tests do"},
}

// missing returns what the machine lacks for the block, or "".
func (b *block) missing(t *testing.T) string {
	t.Helper()
	for _, word := range b.needs {
		need, known := needs[word]
		if !known {
			t.Errorf("line %d: no needs of that name: %q; they are in needs_test.go", b.line, word)
		}
		if !need.program {
			return word
		}
		if _, err := exec.LookPath(word); err != nil {
			return word
		}
	}
	return ""
}
