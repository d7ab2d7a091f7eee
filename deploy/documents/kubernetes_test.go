package documents_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Until the changelog has a release, each document that installs the image or the chart
// says that there is none yet. After it, none says so.
func TestNoReleaseYet(t *testing.T) {
	t.Parallel()
	released := regexp.MustCompile(`(?m)^## v?\d`).MatchString(readText(t, "CHANGELOG.md"))
	says := regexp.MustCompile(`[Tt]here is no release\s+yet|还没有发布过版本`)
	installs := regexp.MustCompile(`(?m)^(?:helm install wxgate|docker run|kubectl run .*--image=ghcr\.io/wxgate)`)
	for _, d := range documents(t) {
		wants := slices.ContainsFunc(d.blocks, func(b block) bool {
			return b.language == "sh" && installs.MatchString(b.text)
		})
		switch said := says.MatchString(d.text); {
		case released && said:
			t.Errorf("%s says that there is no release yet; CHANGELOG.md has one", d.path)
		case !released && wants && !said:
			t.Errorf("%s installs wxgate, and does not say that there is no release yet", d.path)
		}
		for _, b := range d.blocks {
			if !released && b.language == "sh" && strings.Contains(b.text, "oci://ghcr.io/wxgate") {
				t.Errorf("%s:%d: a block installs a chart that is not released yet", d.path, b.line)
			}
		}
	}
}

// The site of the examples is in one namespace, in all documents and in the files that
// they apply.
func TestOneNamespaceForTheSite(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`(?:kubectl|helm)\b[^\n|]*? (?:-n|--namespace|create namespace) ([\w-]+)|` +
		`--current --namespace=([\w-]+)|\b[a-z-]+\.([a-z-]+)\.svc\b`)
	others := []string{"envoy-gateway-system", "istio-system", "istio-ingress"} // of gateways
	found := 0
	for name, text := range clusterTexts(t) {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			found++
			if namespace := match[1] + match[2] + match[3]; namespace != "shop" && !slices.Contains(others, namespace) {
				t.Errorf("%s names the namespace %s, want shop: %s", name, namespace, match[0])
			}
		}
	}
	if found == 0 {
		t.Error("no document names a namespace")
	}
}

// clusterTexts returns the text of each document, and of each file for a cluster.
func clusterTexts(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, d := range documents(t) {
		texts[d.path] = d.text
	}
	for _, pattern := range []string{"envoy/*.yaml", "traefik/*.yaml", "kubernetes/*/*.yaml", "kubernetes/*/*/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(repository, "deploy", pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			name, err := filepath.Rel(repository, file)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = readText(t, name)
		}
	}
	return texts
}

// The chart's README and the pages for Kubernetes link to each other.
func TestKubernetesPagesLinkToEachOther(t *testing.T) {
	t.Parallel()
	for from, links := range map[string][]string{
		"deploy/README.md":             {"README.zh-CN.md", "helm/wxgate/README.md"},
		"deploy/README.zh-CN.md":       {"README.md", "helm/wxgate/README.md"},
		"deploy/helm/wxgate/README.md": {"../../README.md", "../../README.zh-CN.md"},
	} {
		for _, link := range links {
			if !slices.ContainsFunc(read(t, from).links, func(to string) bool {
				path, _, _ := strings.Cut(to, "#")
				return path == link
			}) {
				t.Errorf("%s does not link to %s", from, link)
			}
		}
	}
}
