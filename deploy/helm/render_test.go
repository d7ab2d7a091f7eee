package helm_test

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"
)

const chartDir = "wxgate"

// fourValues are those that README tells to set.
const fourValues = `
config:
  appId: wx0123456789abcdef
  publicUrl: https://h5.example.com
  upstream: http://web:80
existingSecret: wxgate
`

// A release is what `helm template` is given.
type release struct {
	name      string // empty: wxgate
	namespace string // empty: my-site
	kube      string // empty: the version of the API types
	values    []string
}

// rendered is what `helm template` gives.
type rendered struct {
	objects objects
	notes   string
}

// mustRender renders the chart and decodes all its objects.
func mustRender(t *testing.T, r release) rendered {
	t.Helper()
	files, err := render(r)
	if err != nil {
		t.Fatal(err)
	}
	var out rendered
	for _, name := range slices.Sorted(maps.Keys(files)) {
		switch base := path.Base(name); {
		case base == "NOTES.txt":
			out.notes = files[name]
		case !strings.HasPrefix(base, "_"):
			out.objects = append(out.objects, decodeAll(t, name, files[name])...)
		}
	}
	return out
}

// render renders the chart as `helm template` does: with the schema's checks, and
// without a cluster. Each text of values overrides those before it.
func render(r release) (map[string]string, error) {
	c, err := loader.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	values, err := mergeValues(r.values...)
	if err != nil {
		return nil, err
	}
	capabilities := common.DefaultCapabilities.Copy()
	if r.kube == "" {
		r.kube = kubeVersion
	}
	kube, err := common.ParseKubeVersion(r.kube)
	if err != nil {
		return nil, err
	}
	capabilities.KubeVersion = *kube
	options := common.ReleaseOptions{
		Name: r.name, Namespace: r.namespace, Revision: 1, IsInstall: true,
	}
	if options.Name == "" {
		options.Name = "wxgate"
	}
	if options.Namespace == "" {
		options.Namespace = ownNamespace
	}
	return renderChart(c, values, options, capabilities)
}

func renderChart(
	c *chart.Chart, values map[string]any, options common.ReleaseOptions, capabilities *common.Capabilities,
) (map[string]string, error) {
	top, err := util.ToRenderValues(c, values, options, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, top)
}

// mergeValues returns the values of YAML texts as `helm -f` merges them.
func mergeValues(texts ...string) (map[string]any, error) {
	merged := map[string]any{}
	for _, text := range texts {
		values := map[string]any{}
		if err := yaml.UnmarshalStrict([]byte(text), &values); err != nil {
			return nil, err
		}
		merged = loader.MergeMaps(merged, values)
	}
	return merged, nil
}

// splitDocuments returns the documents of a YAML stream that are not empty.
func splitDocuments(stream string) []string {
	split := releaseutil.SplitManifests(stream)
	keys := slices.Collect(maps.Keys(split))
	slices.SortFunc(keys, func(a, b string) int { // manifest-2 is before manifest-10
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	var documents []string
	for _, key := range keys {
		documents = append(documents, split[key])
	}
	return documents
}
