package helm_test

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/pusher"
	helmregistry "helm.sh/helm/v4/pkg/registry"
)

// The chart goes to an OCI registry and comes back, as with `helm package`, `helm push`
// and `helm pull`.
func TestChartGoesThroughARegistry(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/wxgate/charts"

	source, err := loader.LoadDir(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := chartutil.Save(source, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	client, err := helmregistry.NewClient(helmregistry.ClientOptPlainHTTP(),
		helmregistry.ClientOptWriter(io.Discard),
		helmregistry.ClientOptCredentialsFile(filepath.Join(t.TempDir(), "credentials.json")))
	if err != nil {
		t.Fatal(err)
	}
	push, err := pusher.NewOCIPusher(pusher.WithRegistryClient(client), pusher.WithPlainHTTP(true))
	if err != nil {
		t.Fatal(err)
	}
	if err := push.Push(archive, "oci://"+repository); err != nil {
		t.Fatal(err)
	}

	back := pull(t, client, repository+"/wxgate", source.Metadata.Version)
	if !reflect.DeepEqual(back.Metadata, source.Metadata) {
		t.Errorf("the pulled chart has the metadata %+v, want %+v", back.Metadata, source.Metadata)
	}
	for _, f := range source.Raw {
		// The archive has the metadata in another spelling.
		if f.Name != "Chart.yaml" && !hasFile(back.Raw, f.Name, f.Data) {
			t.Errorf("the pulled chart lacks %s, or has another one", f.Name)
		}
	}
}

// pull pulls the only version of a chart.
func pull(t *testing.T, client *helmregistry.Client, name, version string) *chart.Chart {
	t.Helper()
	tags, err := client.Tags(name)
	if err != nil || len(tags) != 1 || tags[0] != version {
		t.Fatalf("tags = %q, %v, want %s", tags, err, version)
	}
	pulled, err := client.Pull(name + ":" + version)
	if err != nil {
		t.Fatal(err)
	}
	back, err := loader.LoadArchive(bytes.NewReader(pulled.Chart.Data))
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func hasFile(files []*common.File, name string, data []byte) bool {
	return slices.ContainsFunc(files, func(f *common.File) bool {
		return f.Name == name && bytes.Equal(f.Data, data)
	})
}
