package helm_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// The golden file shows what an installation with the four values applies, so that a
// change of the chart shows in review what it changes in a cluster.
func TestRenderingOfFourValues(t *testing.T) {
	t.Parallel()
	compareFile(t, filepath.Join("testdata", "four-values.yaml"), renderText(t, release{values: []string{fourValues}}))
}

// renderText returns all documents in the order of their files.
func renderText(t *testing.T, r release) string {
	t.Helper()
	var text strings.Builder
	for _, o := range mustRender(t, r).objects {
		text.WriteString("---\n# Source: " + o.source + "\n" + strings.TrimSpace(o.text) + "\n")
	}
	return text.String()
}
