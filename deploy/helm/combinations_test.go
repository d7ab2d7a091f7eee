package helm_test

import (
	"testing"
)

// combinations are sets of values that work, by name. All tests of objects run for
// each of them.
var combinations = map[string]release{
	"four values": {values: []string{fourValues}},
}

func TestCombinations(t *testing.T) {
	t.Parallel()
	for name, r := range combinations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := mustRender(t, r)
			check(t, out.objects)
		})
	}
}
