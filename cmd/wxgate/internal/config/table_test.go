package config_test

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

func TestTable(t *testing.T) {
	t.Parallel()
	const golden = "testdata/table.md"
	got := config.Table()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("Table() (-%s +got), rewrite it with -update:\n%s", golden, diff)
	}
}

// TestTableRows checks that the row of every variable is complete, so that no
// comment or tag of a field is forgotten or breaks the table.
func TestTableRows(t *testing.T) {
	t.Parallel()
	row := regexp.MustCompile("^\\| `WXGATE_(?:[A-Z]+(?:_[A-Z]+)*|SITES_<n>_…)`(?: / `_FILE`)? \\| (?:required(?: in proxy mode| without sites)?|none|system|built in|`[^`| ]+`) \\| [^|<>`]+[^|<>`. ] \\|$")
	lines := strings.Split(strings.TrimSuffix(config.Table(), "\n"), "\n")
	if len(lines) < 30 {
		t.Fatalf("Table() has %d lines", len(lines))
	}
	const ofOpenTelemetry = "| `OTEL_EXPORTER_OTLP_ENDPOINT` and the other standard OpenTelemetry names | none | tracing is on when set |"
	last := len(lines) - 1
	if lines[last] != ofOpenTelemetry {
		t.Errorf("the last row is %s, want %s", lines[last], ofOpenTelemetry)
	}
	seen := make(map[string]bool)
	for _, line := range lines[2:last] {
		name := strings.Fields(line)[1]
		if !row.MatchString(line) || seen[name] {
			t.Errorf("Table() has the row %s", line)
		}
		seen[name] = true
	}
}
