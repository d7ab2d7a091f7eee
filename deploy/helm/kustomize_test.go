package helm_test

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const kustomizeDir = "../kubernetes"

// kustomizations returns the directories of the kustomize files, by their name. The
// components cannot be built alone: they are parts of the overlays.
func kustomizations(t *testing.T) map[string]string {
	t.Helper()
	dirs := map[string]string{}
	for _, pattern := range []string{"", "base", "overlays/*"} {
		files, err := filepath.Glob(filepath.Join(kustomizeDir, pattern, "kustomization.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			dirs[filepath.Base(filepath.Dir(file))] = filepath.Dir(file)
		}
	}
	if len(dirs) == 0 {
		t.Fatal("no kustomization")
	}
	return dirs
}

// build builds a kustomization as `kubectl apply -k` does, and decodes its objects.
func build(t *testing.T, dir string) objects {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // kubectl sorts, unless the files say otherwise
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return decodeAll(t, dir, string(text))
}

func TestKustomizations(t *testing.T) {
	t.Parallel()
	for name, dir := range kustomizations(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			os := build(t, dir)
			check(t, os)
			checkExampleSecrets(t, os)
			checkStarts(t, os)
		})
	}
}

// checkExampleSecrets checks that Secrets among the files have the mounted keys.
func checkExampleSecrets(t *testing.T, os objects) {
	t.Helper()
	p, c := wxgateContainer(t, os)
	for _, s := range all[corev1.Secret](os) {
		keys := 0
		for _, f := range mountedFiles(p, c) {
			for _, value := range environment(t, os, c) {
				if _, ok := s.StringData[filepath.Base(value)]; f.secret == s.Name && f.has(value) && ok {
					keys++
				}
			}
		}
		if keys != len(s.StringData) {
			t.Errorf("Secret %s has %d keys, want the %d that are mounted", s.Name, len(s.StringData), keys)
		}
	}
}

// Each overlay is the chart's rendering with the values of a file of the same name, so
// that the two cannot drift apart.
func TestOverlaysEqualTheChart(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob(filepath.Join(kustomizeDir, "overlays", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		name := filepath.Base(dir)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			overlayEqualsChart(t, dir, filepath.Join("testdata", "overlays", name+".yaml"))
		})
	}
}

// overlayEqualsChart compares the objects of a kustomization with those of the chart.
func overlayEqualsChart(t *testing.T, dir, valuesFile string) {
	t.Helper()
	values, err := os.ReadFile(valuesFile)
	if err != nil {
		t.Fatal(err)
	}
	compareObjects(t, build(t, dir), mustRender(t, release{values: []string{string(values)}}).objects)
}
