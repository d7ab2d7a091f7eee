package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// program returns the path of a program. If this machine lacks it, the test is
// skipped, or fails if TEST_REQUIRE_ALL is 1.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("TEST_REQUIRE_ALL") == "1":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return path
}

// shells are programs that complete each line of TYPED with the script that wxgate
// prints. They print "completions of LINE:", then a completion a line.
var shells = []struct{ name, shell, script string }{
	{"bash alone", "bash", bashCompletes},
	{"bash with bash-completion", "bash", "source /usr/share/bash-completion/bash_completion\n" + bashCompletes},
	{"zsh", "zsh", `
		compdef() { : }
		source <(wxgate completion zsh)
		_describe() { print -rl -- "${completions[@]%%:*}" }
		for line in "${(@f)TYPED}"; do
			print -r -- "completions of $line:"
			words=("${(@s: :)line}") CURRENT=${#words}
			_wxgate
		done`},
	{"fish", "fish", `
		wxgate completion fish | source
		for line in (string split \n -- $TYPED)
			echo "completions of $line:"
			complete -C "$line" | string replace -r '\t.*' ''
		end
		true`},
}

const bashCompletes = `
	source <(wxgate completion bash)
	COMP_TYPE=9 COMP_KEY=9
	while IFS= read -r line; do
		echo "completions of $line:"
		COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
		COMP_WORDS=(${line//=/ = }) # bash separates words at =
		[[ $line != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		complete -p wxgate >/dev/null && __start_wxgate
		printf '%s\n' "${COMPREPLY[@]%% }"
	done <<<"$TYPED"`

// The descriptions of flags have no marks of the source in them.
func TestCompletionDescribesFlags(t *testing.T) {
	t.Parallel()
	help := start(t, nil, "help")
	help.exit()
	_, list, _ := strings.Cut(help.stdout.String(), "Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	for line := range strings.Lines(list) {
		name := strings.Fields(line)[0]
		p := start(t, nil, "__complete", name, "--")
		p.exit()
		if out := p.stdout.String(); strings.Contains(out, "`") || name != "help" && !strings.Contains(out, "--help\t") {
			t.Errorf("%s: the completions are\n%s", name, out)
		}
	}
	p := start(t, nil, "__complete", "demo", "--u")
	p.exit()
	const want = "--upstream\tURL of your own development server, instead of the sample site\n:4\n"
	if got := p.stdout.String(); got != want {
		t.Errorf("completions of demo --u: %q, want %q", got, want)
	}
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	tests := []struct{ line, want string }{
		{"wxgate hea", "healthcheck"},
		{"wxgate e", "emulator env explain"},
		{"wxgate --ver", "--version"},
		{"wxgate demo --", "--help --listen --upstream"},
		{"wxgate demo --listen ", ""},
		{"wxgate followers --details --a", "--after"},
		{"wxgate followers --format ", "csv ndjson"},
		{"wxgate followers --format nd", "ndjson"},
		{"wxgate followers --format=nd", "ndjson"},
		{"wxgate completion z", "zsh"},
		{"wxgate help ver", "version"},
		{"wxgate nothing ", ""},
	}
	var lines []string
	for _, tt := range tests {
		lines = append(lines, tt.line)
	}
	for _, shell := range shells {
		t.Run(shell.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program(t, shell.shell), "-c", shell.script)
			cmd.Env = append(os.Environ(), "TYPED="+strings.Join(lines, "\n"), "HOME="+t.TempDir())
			cmd.Dir = t.TempDir() // no file completes a word
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v, stdout:\n%s", err, out)
			}
			text := string(out)
			for _, tt := range tests {
				_, after, _ := strings.Cut(text, fmt.Sprintf("completions of %s:\n", tt.line))
				after, _, _ = strings.Cut(after, "completions of ")
				got := strings.Fields(strings.ReplaceAll(after, "--format=", "")) // some shells repeat it
				slices.Sort(got)
				if diff := cmp.Diff(tt.want, strings.Join(slices.Compact(got), " ")); diff != "" {
					t.Errorf("%q: completions (-want +got):\n%s", tt.line, diff)
				}
			}
		})
	}
}
