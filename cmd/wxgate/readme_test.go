package main_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/wechat"
)

// A readmeRow is a row of a table in README.md of this directory.
type readmeRow struct {
	names   []string // in the first column, without the backquotes
	columns []string // all of them, as they stand there
}

// readmeRows returns the rows of the tables between <!-- mark --> and the next closing
// mark of the same name.
func readmeRows(t *testing.T, mark string) (rows []readmeRow) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(mark, ":")
	tables := strings.Split(string(readme), "<!-- "+mark+" -->\n")[1:]
	if len(tables) == 0 {
		t.Fatalf("README.md has no mark %s", mark)
	}
	for _, table := range tables {
		table, _, _ = strings.Cut(table, "\n<!-- /"+name+" -->")
		for _, line := range strings.Split(table, "\n")[2:] {
			row := readmeRow{columns: strings.Split(strings.Trim(line, "| "), " | ")}
			for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row.columns[0], -1) {
				row.names = append(row.names, quoted[1])
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// readmeNames returns the names in the first columns, in alphabetical order.
func readmeNames(t *testing.T, mark string) (names []string) {
	t.Helper()
	for _, row := range readmeRows(t, mark) {
		names = append(names, row.names...)
	}
	slices.Sort(names)
	return names
}

// README.md lists every field that the source can log, and no other.
func TestLogFieldsOfREADME(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(maps.Keys(newLogSource(t).fields))
	if diff := cmp.Diff(want, readmeNames(t, "fields")); diff != "" {
		t.Errorf("README.md lists other fields (-source +README):\n%s", diff)
	}
}

// README.md lists every message that the source can log above level debug, under its
// highest level, and no other.
func TestLogMessagesOfREADME(t *testing.T) {
	t.Parallel()
	want := map[string][]string{}
	for message, levels := range newLogSource(t).messages {
		for _, level := range []string{"error", "warn", "info"} {
			if slices.Contains(levels, level) {
				want[level] = append(want[level], message)
				break
			}
		}
	}
	for _, level := range []string{"error", "warn", "info"} {
		slices.Sort(want[level])
		if diff := cmp.Diff(want[level], readmeNames(t, "messages: "+level)); diff != "" {
			t.Errorf("README.md lists other messages at level %s (-source +README):\n%s", level, diff)
		}
	}
}

// README.md lists every error code of WeChat for which the log has a hint, with the
// results that it is counted as.
func TestErrorCodesOfREADME(t *testing.T) {
	t.Parallel()
	listed := map[int]string{}
	for _, row := range readmeRows(t, "codes") {
		for code := range strings.SplitSeq(row.columns[0], ", ") {
			n, err := strconv.Atoi(code)
			if err != nil {
				t.Fatal(err)
			}
			listed[n] = strings.Trim(row.columns[1], "`")
		}
	}
	for code := range 100_000 {
		refusal := &wechat.Error{API: "sns/oauth2/access_token", Code: code}
		if _, ok := listed[code]; refusal.Hint() != "" && !ok {
			t.Errorf("README.md lacks %d, for which the log has the hint %q", code, refusal.Hint())
		}
	}
	for code, result := range listed {
		refusal := &wechat.Error{API: "sns/oauth2/access_token", Code: code}
		if got := wechat.Result(refusal); got != result {
			t.Errorf("README.md says that %d counts as %s, it counts as %s", code, result, got)
		}
	}
}

// README.md lists the alerts and their severities.
func TestAlertsOfREADME(t *testing.T) {
	t.Parallel()
	rules, err := os.ReadFile("../../deploy/prometheus/wxgate.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, rule := range strings.Split(string(rules), "- alert: ")[1:] {
		name, rest, _ := strings.Cut(rule, "\n")
		_, severity, _ := strings.Cut(rest, "severity: ")
		want[name], _, _ = strings.Cut(severity, "\n")
	}
	for _, row := range readmeRows(t, "alerts") {
		got[row.names[0]] = row.columns[1]
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("README.md lists other alerts (-rules +README):\n%s", diff)
	}
}

// README.md lists the outcomes that are counted.
func TestOutcomesOfREADME(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello)))
	_, text := get(t, "http://"+p.listening("admin")+"/metrics")
	want := map[string]bool{}
	outcome := regexp.MustCompile(`wxgate_http_requests_total\{.*outcome="(\w+)"`)
	for _, series := range outcome.FindAllStringSubmatch(text, -1) {
		want[series[1]] = true
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), readmeNames(t, "outcomes")); diff != "" {
		t.Errorf("README.md lists other outcomes (-metrics +README):\n%s", diff)
	}
}

// README.md describes every command that wxgate lists.
func TestCommandsOfREADME(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "help")
	p.exit()
	names := regexp.MustCompile(`(?m)^  ([a-z]+)\b`).FindAllStringSubmatch(p.stdout.String(), -1)
	if len(names) == 0 {
		t.Fatalf("wxgate help lists no command:\n%s", p.stdout.String())
	}
	described := readmeNames(t, "commands")
	for _, name := range names {
		ours := name[1] != "help" && name[1] != "wxgate" // of the usage
		if ours && !slices.ContainsFunc(described, func(d string) bool {
			return d == "wxgate "+name[1] || strings.HasPrefix(d, "wxgate "+name[1]+" ")
		}) {
			t.Errorf("README.md does not describe wxgate %s", name[1])
		}
	}
}
