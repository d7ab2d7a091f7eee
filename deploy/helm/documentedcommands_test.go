package helm_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
)

// commandDocuments are the documents that install or upgrade the chart, with what the
// last command of each has to have set.
var commandDocuments = map[string][]string{
	"../../README.md":       nil,
	"../../README.zh-CN.md": nil,
	"../README.md":          walkSets,
	"../README.zh-CN.md":    walkSets,
	"../envoy/README.md":    nil,
	chartReadme:             nil,
}

// walkSets are the values that a site needs before visitors come.
var walkSets = []string{
	"config.trustedProxies", "config.verifyFiles", "networkPolicy.siteSelector", "secrets.redisUrl.key",
	"metrics.podMonitor.enabled", "metrics.prometheusRule.enabled", "metrics.dashboard.enabled",
}

// stubs are shell functions for the programs of the blocks. helm writes its arguments,
// each with a zero byte after it, and what it reads from standard input.
const stubs = `
helm() {
  printf '%s\0' "$@" >>"$LOG"
  case " $* " in *" -f - "*) printf 'STDIN\0%s\0' "$(cat)" >>"$LOG" ;; esac
  printf 'END\0' >>"$LOG"
}
curl() { :; }
docker() { :; }
kubectl() { :; }
openssl() { :; }
`

// Each command of the documents that installs or upgrades the chart renders it, with
// the values of the commands before it, and waits until the pods are ready.
func TestCommandsOfDocuments(t *testing.T) {
	t.Parallel()
	for name, sets := range commandDocuments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			commands, values := chartCommands(t, name), map[string]any{}
			for _, args := range commands {
				if args[0] == "install" {
					values = map[string]any{}
				}
				values = merged(t, values, args)
				text, err := yaml.Marshal(values)
				if err != nil {
					t.Fatal(err)
				}
				check(t, mustRender(t, release{values: []string{string(text)}}).objects)
				checkArguments(t, args)
			}
			if len(commands) == 0 {
				t.Error("no command installs the chart")
			}
			for _, set := range sets {
				if !isSet(values, strings.Split(set, ".")) {
					t.Errorf("no command sets %s", set)
				}
			}
		})
	}
}

// chartCommands returns the arguments of the helm commands of a document that name the
// chart.
func chartCommands(t *testing.T, name string) [][]string {
	t.Helper()
	var commands [][]string
	for _, block := range blocksOf(t, name, "sh") {
		for _, args := range helmCommands(t, block) {
			if slices.ContainsFunc(args, func(arg string) bool { return strings.HasSuffix(arg, "deploy/helm/wxgate") }) {
				commands = append(commands, args)
			}
		}
	}
	return commands
}

// checkArguments checks that a command waits, and keeps the values of the commands
// before it.
func checkArguments(t *testing.T, args []string) {
	t.Helper()
	want := map[string][]string{
		"install": {"--wait"},
		"upgrade": {"--wait", "--reset-then-reuse-values"},
	}[args[0]]
	for _, flag := range want {
		if !slices.Contains(args, flag) {
			t.Errorf("helm %s lacks %s", strings.Join(args, " "), flag)
		}
	}
}

// helmCommands runs a block with stubs, and returns the arguments of each helm command.
func helmCommands(t *testing.T, block string) [][]string {
	t.Helper()
	if !strings.Contains(block, "helm ") {
		return nil
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "log")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", stubs+block)
	cmd.Dir, cmd.Env = dir, []string{"LOG=" + log, "PATH=/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil && !strings.Contains(block, "grep") {
		t.Fatalf("%v\n%s%s", err, block, out)
	}
	var commands [][]string
	var args []string
	for word := range strings.SplitSeq(strings.TrimSuffix(readFile(t, log), "\x00"), "\x00") {
		if word != "END" {
			args = append(args, word)
			continue
		}
		commands = append(commands, args)
		args = nil
	}
	return commands
}

// merged returns the values with those of the arguments of a command. A file that is
// not standard input has the four values.
func merged(t *testing.T, values map[string]any, args []string) map[string]any {
	t.Helper()
	former, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(former)}
	for i, arg := range args[:len(args)-1] {
		switch next := args[i+1]; {
		case arg == "-f" && next != "-":
			texts = append(texts, fourValues)
		case arg == "STDIN":
			texts = append(texts, next)
		}
	}
	all, err := mergeValues(texts...)
	if err != nil {
		t.Fatal(err)
	}
	for i, arg := range args[:len(args)-1] {
		if arg != "--set" {
			continue
		}
		if err := strvals.ParseInto(args[i+1], all); err != nil {
			t.Fatalf("--set %s: %v", args[i+1], err)
		}
	}
	return all
}

// isSet reports whether the values have one at a path that is not empty.
func isSet(values any, path []string) bool {
	if len(path) == 0 {
		return fmt.Sprint(values) != "" && fmt.Sprint(values) != "[]" && fmt.Sprint(values) != "map[]"
	}
	tree, _ := values.(map[string]any)
	next, ok := tree[path[0]]
	return ok && isSet(next, path[1:])
}
