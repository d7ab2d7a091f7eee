package documents_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// The READMEs say how many modules the first `go run ./cmd/wxgate demo` downloads.
func TestNumberOfModules(t *testing.T) {
	t.Parallel()
	list := output(t, repository, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./cmd/wxgate")
	modules := map[string]bool{}
	for path := range strings.FieldsSeq(list) {
		modules[path] = true
	}
	for path, pattern := range map[string]string{
		"README.md":       `downloads about (\d+) Go modules`,
		"README.zh-CN.md": `下载约 (\d+) 个 Go 模块`,
	} {
		match := regexp.MustCompile(pattern).FindStringSubmatch(read(t, path).text)
		if match == nil {
			t.Errorf("%s does not say how many modules it downloads", path)
			continue
		}
		if n, _ := strconv.Atoi(match[1]); n < len(modules)-5 || n > len(modules)+5 {
			t.Errorf("%s says about %d modules, there are %d", path, n, len(modules))
		}
	}
}

// Every value that a document sets by --set is one of the chart.
func TestChartValuesOfDocuments(t *testing.T) {
	t.Parallel()
	var values map[string]any
	if err := yaml.Unmarshal([]byte(readText(t, "deploy/helm/wxgate/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`--set(?:-string)? '?([A-Za-z]+(?:\.[A-Za-z]+)*)`)
	found := 0
	for _, d := range documents(t) {
		for _, match := range set.FindAllStringSubmatch(d.text, -1) {
			found++
			if !isValue(values, strings.Split(match[1], ".")) {
				t.Errorf("%s sets %s, which is no value of the chart", d.path, match[1])
			}
		}
	}
	if found == 0 {
		t.Error("no document sets a value")
	}
}

// isValue reports whether the path leads to a value, or into a map that may have any key.
func isValue(values any, path []string) bool {
	tree, isMap := values.(map[string]any)
	if len(path) == 0 || isMap && len(tree) == 0 {
		return true
	}
	next, known := tree[path[0]]
	return known && isValue(next, path[1:])
}

// The image that deploy/docker pushes is the one that its examples deploy.
func TestPushedImageIsDeployed(t *testing.T) {
	t.Parallel()
	text := read(t, "deploy/docker/README.md").text
	match := regexp.MustCompile(`docker push (\S+):(\S+)\n`).FindStringSubmatch(text)
	if match == nil {
		t.Fatal("deploy/docker/README.md pushes no image")
	}
	for _, want := range []string{
		"--set image.repository=" + match[1] + " --set image.tag=" + match[2], "newName: " + match[1] + "\n    newTag: " + match[2] + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("deploy/docker/README.md lacks %q", want)
		}
	}
}
