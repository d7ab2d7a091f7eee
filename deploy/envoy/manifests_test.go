package envoy_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	egv1a1 "github.com/envoyproxy/gateway/api/v1alpha1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	networkingv1 "istio.io/api/networking/v1"
	securityv1 "istio.io/api/security/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"
)

// repository is the root of the gateway's module.
const repository = "../.."

// istioObject is an object of Istio, with its spec as the message that Istio reads.
type istioObject[M any] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              M `json:"spec"`
}

// decode decodes an object strictly: a field that its type does not have is an error.
func decode(document string) (any, error) {
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
		return nil, err
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "gateway.networking.k8s.io/v1 Gateway":
		return strictly[gatewayv1.Gateway](document)
	case "gateway.networking.k8s.io/v1 HTTPRoute":
		return strictly[gatewayv1.HTTPRoute](document)
	case "gateway.envoyproxy.io/v1alpha1 ClientTrafficPolicy":
		return strictly[egv1a1.ClientTrafficPolicy](document)
	case "gateway.envoyproxy.io/v1alpha1 SecurityPolicy":
		return strictly[egv1a1.SecurityPolicy](document)
	case "gateway.envoyproxy.io/v1alpha1 HTTPRouteFilter":
		return strictly[egv1a1.HTTPRouteFilter](document)
	case "security.istio.io/v1 AuthorizationPolicy":
		return istio(document, &securityv1.AuthorizationPolicy{})
	case "networking.istio.io/v1 VirtualService":
		return istio(document, &networkingv1.VirtualService{})
	default:
		return nil, fmt.Errorf("%s of %q is no object that these files may hold", kind.Kind, kind.APIVersion)
	}
}

func strictly[T any](document string) (*T, error) {
	object := new(T)
	return object, yaml.UnmarshalStrict([]byte(document), object)
}

// istio decodes the spec of an object of Istio. Istio's own decoders ignore unknown
// fields.
func istio[M proto.Message](document string, spec M) (*istioObject[M], error) {
	raw, err := strictly[istioObject[json.RawMessage]](document)
	if err != nil {
		return nil, err
	}
	object := &istioObject[M]{raw.TypeMeta, raw.ObjectMeta, spec}
	return object, protojson.Unmarshal(raw.Spec, spec)
}

// manifests returns the objects of a file.
func manifests(t *testing.T, file string) []any {
	t.Helper()
	var objects []any
	for document := range strings.SplitSeq(readFile(t, file), "\n---\n") {
		object, err := decode(document)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		objects = append(objects, object)
	}
	return objects
}

// all returns those of the objects that have type *T.
func all[T any](objects []any) []*T {
	var found []*T
	for _, object := range objects {
		if o, ok := object.(*T); ok {
			found = append(found, o)
		}
	}
	return found
}

// one returns the only object of type *T.
func one[T any](t *testing.T, objects []any) *T {
	t.Helper()
	found := all[T](objects)
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T, want 1", len(found), *new(T))
	}
	return found[0]
}

// An unknown field is an error, wherever it is. Misspelt, failOpen would be false and
// notPaths empty without a word.
func TestDecodingIsStrict(t *testing.T) {
	t.Parallel()
	tests := []struct{ file, field string }{
		{"envoy-gateway.yaml", "targetRefs:"},
		{"envoy-gateway.yaml", "failOpen:"},
		{"envoy-gateway.yaml", "removeOnMatch:"},
		{"envoy-gateway.yaml", "statusCode:"},
		{"envoy-gateway.yaml", "gatewayClassName:"},
		{"envoy-gateway.yaml", "hostnames:"},
		{"gateway-api.yaml", "externalAuth:"},
		{"gateway-api.yaml", "protocol:"},
		{"gateway-api.yaml", "replaceFullPath:"},
		{"istio.yaml", "action:"},
		{"istio.yaml", "notPaths:"},
		{"istio.yaml", "directResponse:"},
		{"istio.yaml", "namespace:"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.field, func(t *testing.T) {
			t.Parallel()
			text := readFile(t, tt.file)
			refused := 0
			for document := range strings.SplitSeq(text, "\n---\n") {
				misspelt := strings.ReplaceAll(document, tt.field, "x"+tt.field)
				if _, err := decode(misspelt); misspelt != document && err != nil {
					refused++
				} else if misspelt != document {
					t.Errorf("x%s was accepted in\n%s", tt.field, misspelt)
				}
			}
			if refused == 0 {
				t.Errorf("%s has no %s", tt.file, tt.field)
			}
		})
	}
}

// ownPaths returns the paths of the gateway's endpoints, but for forward auth, and the
// verification file of the examples.
func ownPaths(t *testing.T) []string {
	t.Helper()
	paths := []string{"/MP_verify_abc123.txt"}
	routes := readFile(t, filepath.Join(repository, "gateway/routes.go"))
	for _, match := range regexp.MustCompile(`prefix\+"(/[^"]+)"`).FindAllStringSubmatch(routes, -1) {
		paths = append(paths, "/_wx"+match[1])
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) < 8 || slices.Contains(paths, "/_wx/auth") {
		t.Fatalf("gateway/routes.go has the endpoints %q", paths)
	}
	return paths
}

// claims returns the headers with which a client could claim an identity, in every
// spelling that some server reads as the same name.
func claims(t *testing.T) []string {
	t.Helper()
	names := []string{"X-Wx-From-Openid", "X-Wx-From-Appid", "X-Wx-From-Unionid"}
	constant := regexp.MustCompile(`"(X-Wx-[A-Za-z-]+)"`)
	err := fs.WalkDir(os.DirFS(repository), "gateway", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		for _, match := range constant.FindAllStringSubmatch(readFile(t, filepath.Join(repository, file)), -1) {
			names = append(names, match[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(names, "X-Wx-Openid") {
		t.Fatalf("the gateway's source names the headers %q", names)
	}
	var spellings []string
	for _, name := range names {
		name = strings.ToLower(name) // Envoy's own form
		for _, sign := range []string{"-", "_", ".", "+", "~"} {
			spellings = append(spellings, strings.ReplaceAll(name, "-", sign), strings.Replace(name, "-", sign, 1))
		}
	}
	return spellings
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// value returns *p, or the zero value if p is nil.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
