package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
	"github.com/wxgate/wxgate/gateway"
)

// withoutVariable are the fields that no variable of `wxgate env` sets. Hosts is
// set by WXGATE_SITES_<n>_HOSTS, and checked by package config.
var withoutVariable = []string{"Exchanges", "Hosts", "Logger", "Metrics", "SharedRate", "Revocations", "Sites", "Tokens", "Tracer"}

func TestFieldVariables(t *testing.T) {
	t.Parallel()
	fields := make(map[string]bool)
	for _, of := range []reflect.Type{reflect.TypeFor[gateway.Config](), reflect.TypeFor[gateway.Site]()} {
		for field := range of.Fields() {
			fields[field.Name] = true
			_, has := fieldVariables[field.Name]
			if without := slices.Contains(withoutVariable, field.Name); has == without {
				t.Errorf("%s.%s: in fieldVariables: %t, in withoutVariable: %t, want one of them", of, field.Name, has, without)
			}
		}
	}
	table := config.Table()
	for field, variable := range fieldVariables {
		if !fields[field] {
			t.Errorf("fieldVariables has %s, which is no field", field)
		}
		if !strings.Contains(table, "\n| `"+variable+"` ") {
			t.Errorf("fieldVariables[%q] = %s, which `wxgate env` does not list", field, variable)
		}
	}
}
