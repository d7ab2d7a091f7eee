package helm_test

import (
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
)

// TestLint does what `helm lint --strict` does, for each combination of values.
func TestLint(t *testing.T) {
	t.Parallel()
	for name, r := range everyRelease() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values, err := mergeValues(r.values...)
			if err != nil {
				t.Fatal(err)
			}
			kube, err := common.ParseKubeVersion(kubeVersion)
			if err != nil {
				t.Fatal(err)
			}
			linter := lint.RunAll(chartDir, values, ownNamespace, lint.WithKubeVersion(kube))
			for _, message := range linter.Messages {
				if message.Severity >= support.WarningSev {
					t.Error(message)
				}
			}
		})
	}
}
