package main_test

import (
	"regexp"
	"strconv"
	"testing"
)

// Go's own variables set the collector and the memory limit.
func TestHeapVariables(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		variables []string
		metric    string
		least     float64
		most      float64
	}{
		{"a small heap grows further than Go's", nil, "go_gc_gogc_percent", 150, 400},
		{"GOGC", []string{"GOGC=50"}, "go_gc_gogc_percent", 50, 50},
		{"GOGC as Go's default", []string{"GOGC=100"}, "go_gc_gogc_percent", 100, 100},
		{"GOGC that is empty", []string{"GOGC="}, "go_gc_gogc_percent", 150, 400},
		{"GOMEMLIMIT", []string{"GOMEMLIMIT=300MiB"}, "go_gc_gomemlimit_bytes", 300 << 20, 300 << 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, append(environment(newUpstream(t, hello)), test.variables...))
			_, text := get(t, "http://"+p.listening("admin")+"/metrics")
			found := regexp.MustCompile(`(?m)^` + test.metric + ` (\S+)$`).FindStringSubmatch(text)
			if found == nil {
				t.Fatalf("/metrics lacks %s", test.metric)
			}
			if got, err := strconv.ParseFloat(found[1], 64); err != nil || got < test.least || got > test.most {
				t.Errorf("%s = %s, want %v to %v", test.metric, found[1], test.least, test.most)
			}
		})
	}
}
