package helm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// A customType checks objects of one version of a CustomResourceDefinition as the
// API server does.
type customType struct {
	schema    *structural.Structural
	validator validation.SchemaValidator
	rules     *cel.Validator
}

// validateCustomResource returns what the API server has against the object.
func validateCustomResource(ctx context.Context, o *unstructured.Unstructured) error {
	t, err := typeOf(o)
	if err != nil {
		return err
	}
	return t.check(ctx, o.DeepCopy().Object)
}

func (t customType) check(ctx context.Context, o map[string]any) error {
	var errs []error
	unknown := pruning.PruneWithOptions(o, t.schema, true, structural.UnknownFieldPathOptions{
		TrackUnknownFieldPaths: true,
	})
	for _, field := range unknown {
		errs = append(errs, fmt.Errorf("unknown field %s", field))
	}
	defaulting.Default(o, t.schema)
	found := validation.ValidateCustomResource(nil, o, t.validator)
	found = append(found, listtype.ValidateListSetsAndMaps(nil, t.schema, o)...)
	broken, _ := t.rules.Validate(ctx, nil, t.schema, o, nil, celconfig.RuntimeCELCostBudget)
	for _, err := range append(found, broken...) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// customTypes are the types that were asked for. Only those are made, because the
// rules of a large definition take a while to compile.
var customTypes = struct {
	sync.Mutex
	made map[string]customType
}{made: map[string]customType{}}

// typeOf returns the type of an object.
func typeOf(o *unstructured.Unstructured) (customType, error) {
	customTypes.Lock()
	defer customTypes.Unlock()
	where, ok := definitionOf(o)
	if !ok {
		return customType{}, fmt.Errorf("unknown kind %s", o.GroupVersionKind())
	}
	key := fmt.Sprint(where, o.GroupVersionKind())
	if t, ok := customTypes.made[key]; ok {
		return t, nil
	}
	t, err := makeType(where, o.GroupVersionKind())
	if err != nil {
		return customType{}, err
	}
	customTypes.made[key] = t
	return t, nil
}

// makeType reads the type of a kind from the file of its definition.
func makeType(where definition, kind schema.GroupVersionKind) (customType, error) {
	stream, err := where.read()
	if err != nil {
		return customType{}, err
	}
	for _, text := range splitDocuments(stream) {
		if !strings.Contains(text, "kind: "+kind.Kind+"\n") {
			continue
		}
		d := apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal([]byte(text), &d); err != nil {
			return customType{}, err
		}
		if d.Spec.Group != kind.Group || d.Spec.Names.Kind != kind.Kind {
			continue
		}
		for _, version := range d.Spec.Versions {
			if version.Name == kind.Version && version.Served {
				return newCustomType(version.Schema.OpenAPIV3Schema)
			}
		}
	}
	return customType{}, fmt.Errorf("%s has no %s", where.file, kind)
}

func newCustomType(props *apiextensionsv1.JSONSchemaProps) (customType, error) {
	internal := &apiextensions.JSONSchemaProps{}
	convert := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps
	if err := convert(props, internal, nil); err != nil {
		return customType{}, err
	}
	s, err := structural.NewStructural(internal)
	if err != nil {
		return customType{}, err
	}
	validator, _, err := validation.NewSchemaValidator(internal)
	if err != nil {
		return customType{}, err
	}
	return customType{s, validator, cel.NewValidator(s, true, celconfig.PerCallLimit)}, nil
}
