package helm_test

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"
)

// kubeVersion is that of k8s.io/api.
const kubeVersion = "v1.37.2"

// An object is one document that the chart or a kustomization renders. Its typed
// form is nil for a custom resource.
type object struct {
	*unstructured.Unstructured
	typed  runtime.Object
	source string
	text   string
}

func (o object) String() string {
	return fmt.Sprintf("%s %s (%s)", o.GetKind(), o.GetName(), o.source)
}

type objects []object

// kind returns the objects of a kind.
func (os objects) kind(kind string) objects {
	var found objects
	for _, o := range os {
		if o.GetKind() == kind {
			found = append(found, o)
		}
	}
	return found
}

// all returns the objects of type T.
func all[T any](os objects) []*T {
	var found []*T
	for _, o := range os {
		if typed, ok := any(o.typed).(*T); ok {
			found = append(found, typed)
		}
	}
	return found
}

// one returns the only object of type T.
func one[T any](t *testing.T, os objects) *T {
	t.Helper()
	found := all[T](os)
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T, want 1", len(found), *new(T))
	}
	return found[0]
}

// value returns *p, or the zero value if p is nil.
func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

// decoder decodes objects of Kubernetes' own API. A field that the API does not
// have, or that stands twice, is an error.
var decoder = func() runtime.Decoder {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, autoscalingv2.AddToScheme, corev1.AddToScheme, networkingv1.AddToScheme,
		policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
}()

// decodeAll decodes the documents of a YAML stream.
func decodeAll(t *testing.T, source, stream string) objects {
	t.Helper()
	var found objects
	for _, text := range splitDocuments(stream) {
		o, err := decode(t.Context(), source, text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", source, err, text)
		}
		found = append(found, o)
	}
	return found
}

func decode(ctx context.Context, source, text string) (object, error) {
	o := object{source: source, text: text, Unstructured: &unstructured.Unstructured{}}
	asJSON, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(asJSON, &o.Object); err != nil {
		return o, err
	}
	if o.GetAPIVersion() == "" || o.GetKind() == "" {
		return o, fmt.Errorf("no apiVersion or kind")
	}
	typed, _, err := decoder.Decode([]byte(text), nil, nil)
	if runtime.IsNotRegisteredError(err) {
		return o, validateCustomResource(ctx, o.Unstructured)
	}
	o.typed = typed
	return o, err
}
