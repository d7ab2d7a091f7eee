package main_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// manual returns what wxgate man prints.
func manual(t *testing.T) string {
	t.Helper()
	p := start(t, nil, "man")
	if code := p.exit(); code != 0 || p.stderr.String() != "" {
		t.Fatalf("wxgate man exits with %d, stderr %q", code, p.stderr)
	}
	return p.stdout.String()
}

// The manual page holds all commands, flags and variables.
func TestManualPage(t *testing.T) {
	t.Parallel()
	page := manual(t)
	if !strings.HasPrefix(page, ".TH WXGATE 1 ") {
		t.Errorf("the page begins with %.40q, want .TH", page)
	}
	var sections []string
	for line := range strings.Lines(page) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), ".SH ")
		macro := regexp.MustCompile(`^\.(TH|SH|SS|PP|TP|RS|RE|nf|fi|nh|ad)\b`).MatchString(line)
		if strings.HasPrefix(line, ".") && !macro || strings.HasPrefix(line, "'") || line == "\n" {
			t.Errorf("line %q is no macro of the page", line)
		}
		if ok {
			sections = append(sections, name)
		}
	}
	want := []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "SIGNALS", "ENVIRONMENT", "FILES"}
	if diff := cmp.Diff(want, sections); diff != "" {
		t.Errorf("sections (-want +got):\n%s", diff)
	}
	text := strings.NewReplacer(`\-`, "-", `\(aq`, "'", `\(ga`, "`", `\(ti`, "~", `\(ha`, "^", `\(dq`, `"`,
		`\e`, `\`, `\[u2026]`, "…").Replace(page)
	for _, v := range config.Reference() {
		if !strings.Contains(text, `\fB`+v.Name) || !strings.Contains(text, v.Meaning) {
			t.Errorf("the page lacks %s or its meaning", v.Name)
		}
	}
	for _, part := range []string{
		`.SS "wxgate serve"`, `.SS "wxgate check"`, `.SS "wxgate followers [--format ndjson|csv]`, `\fB--upstream\fR \fIURL\fR`,
		`\fB--all\fR`, "SIGHUP", "SIGTERM", "Exit codes: 0 ready; 1 not ready", "wxgate man | man -l -", "NO_COLOR",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}

// What has no default says so in words of its own.
func TestManualPageSaysWhatIsRequired(t *testing.T) {
	t.Parallel()
	page := manual(t)
	for _, part := range []string{"default: required", "default: none", "default none", "()"} {
		if strings.Contains(page, part) {
			t.Errorf("the page has %q", part)
		}
	}
	for _, part := range []string{
		"AppID (required)\n", " (required in proxy mode)\n", " (required without sites)\n", " (default: system)\n",
		" (default: snsapi_base)\n", "tracing is on when set\n", "people have no colour\n",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}

// Each command that the help lists is in the manual page.
func TestManualPageHasTheCommandsOfTheHelp(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "help")
	p.exit()
	_, list, _ := strings.Cut(p.stdout.String(), "Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	page := manual(t)
	for line := range strings.Lines(list) {
		name := strings.Fields(line)[0]
		if !regexp.MustCompile(`(?m)^\.SS "wxgate ` + name + `\b`).MatchString(page) {
			t.Errorf("the page lacks the command %s", name)
		}
	}
}

func TestManualPageIsWellFormed(t *testing.T) {
	t.Parallel()
	groff := program(t, "groff")
	cmd := exec.CommandContext(t.Context(), groff, "-man", "-ww", "-Tutf8", "-rLL=100n")
	cmd.Stdin = strings.NewReader(manual(t))
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil || warnings.String() != "" {
		t.Fatalf("groff: %v, warnings:\n%.500s", err, warnings.String())
	}
	shown := regexp.MustCompile(`\x1b\[[0-9;]*m|.\x08`).ReplaceAllString(string(out), "")
	for _, line := range []string{
		"wxgate demo --upstream http://127.0.0.1:3000", `export WXGATE_COOKIE_KEYS="$(wxgate keygen)"`,
		"wxgate completion fish > ~/.config/fish/completions/wxgate.fish",
	} {
		if !slices.ContainsFunc(strings.Split(shown, "\n"), func(l string) bool { return strings.TrimSpace(l) == line }) {
			t.Errorf("the page does not show %q", line)
		}
	}
}
