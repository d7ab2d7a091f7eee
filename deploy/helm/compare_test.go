package helm_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// chartLabels and chartAnnotations are those that only the chart sets.
var (
	chartLabels      = []string{"helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"}
	chartAnnotations = []string{"checksum/config"}
)

// compareObjects compares two sets of objects by what they mean: the order of fields
// and objects, comments, and the chart's own labels do not count. Nor do the objects of
// `helm test`, and Secrets, which the chart does not make.
func compareObjects(t *testing.T, got, want objects) {
	t.Helper()
	gotFields, wantFields := fieldsOf(t, got), fieldsOf(t, want)
	for _, name := range slices.Sorted(maps.Keys(wantFields)) {
		if gotFields[name] == nil {
			t.Errorf("the kustomization lacks %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(gotFields)) {
		if wantFields[name] == nil {
			t.Errorf("the chart lacks %s", name)
			continue
		}
		if diff := diffFields(gotFields[name], wantFields[name]); diff != "" {
			t.Errorf("%s differs, kustomization (-) and chart (+):\n%s", name, diff)
		}
	}
}

// fieldsOf returns the values of the fields of each object, by the field's path.
func fieldsOf(t *testing.T, os objects) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for _, o := range os {
		if o.GetAnnotations()["helm.sh/hook"] != "" || o.GetKind() == "Secret" {
			continue
		}
		fields := map[string]string{}
		flatten(fields, "", withoutChart(t, o))
		all[o.GetKind()+" "+o.GetName()] = fields
	}
	return all
}

// withoutChart returns the object without what only the chart sets. A typed object has
// no fields with an empty value.
func withoutChart(t *testing.T, o object) any {
	t.Helper()
	var source any = o.Object
	if o.typed != nil {
		source = o.typed
	}
	text, err := json.Marshal(source)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "status")
	dropChartMetadata(fields)
	return fields
}

// dropChartMetadata removes the chart's labels and annotations from the metadata of an
// object and of its pods, and the namespace of the release.
func dropChartMetadata(part any) {
	switch part := part.(type) {
	case []any:
		for _, element := range part {
			dropChartMetadata(element)
		}
	case map[string]any:
		if metadata, ok := part["metadata"].(map[string]any); ok {
			dropKeys(metadata, "labels", chartLabels)
			dropKeys(metadata, "annotations", chartAnnotations)
			if metadata["namespace"] == ownNamespace {
				delete(metadata, "namespace")
			}
		}
		for _, element := range part {
			dropChartMetadata(element)
		}
	}
}

func dropKeys(metadata map[string]any, name string, keys []string) {
	of, ok := metadata[name].(map[string]any)
	if !ok {
		return
	}
	for _, key := range keys {
		delete(of, key)
	}
	if len(of) == 0 {
		delete(metadata, name)
	}
}

// flatten adds the values of all fields of a part.
func flatten(fields map[string]string, at string, part any) {
	switch part := part.(type) {
	case map[string]any:
		for name, element := range part {
			flatten(fields, at+"."+name, element)
		}
	case []any:
		for i, element := range part {
			flatten(fields, at+elementName(i, element), element)
		}
	case nil:
	default:
		fields[strings.TrimPrefix(at, ".")] = fmt.Sprint(part)
	}
}

// elementName names an element of a list: by its name if it has one, because the order
// of such a list does not matter.
func elementName(i int, element any) string {
	if fields, ok := element.(map[string]any); ok {
		if name, ok := fields["name"].(string); ok {
			return "[" + name + "]"
		}
	}
	return fmt.Sprintf("[%d]", i)
}

// diffFields returns the fields that differ, a line each.
func diffFields(got, want map[string]string) string {
	var diff strings.Builder
	names := maps.Clone(got)
	maps.Copy(names, want)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		g, inGot := got[name]
		w, inWant := want[name]
		if g == w && inGot == inWant {
			continue
		}
		if inGot {
			fmt.Fprintf(&diff, "- %s: %s\n", name, g)
		}
		if inWant {
			fmt.Fprintf(&diff, "+ %s: %s\n", name, w)
		}
	}
	return diff.String()
}
