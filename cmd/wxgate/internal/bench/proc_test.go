package main

import (
	"slices"
	"testing"
)

func TestParseMemory(t *testing.T) {
	t.Parallel()
	const status = "Name:\twxgate\nVmPeak:\t 1240000 kB\nVmHWM:\t   22528 kB\nVmRSS:\t   21504 kB\nRssAnon:\t 9000 kB\n"
	m, err := parseMemory([]byte(status))
	if want := (memory{now: 21 * mebi, peak: 22 * mebi}); err != nil || m != want {
		t.Errorf("parseMemory = %v, %v; want %v", m, err, want)
	}
	for _, bad := range []string{"", "Name:\tzombie\n", "Name:\tx\nVmHWM:\t1 kB\n", "N:\nVmHWM:\t1 MB\nVmRSS:\t1 kB\n",
		"N:\nVmHWM:\t-1 kB\nVmRSS:\t1 kB\n"} {
		if m, err := parseMemory([]byte(bad)); err == nil {
			t.Errorf("parseMemory(%q) = %v, want an error", bad, m)
		}
	}
}

func TestParseListening(t *testing.T) {
	t.Parallel()
	const table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n" +
		"   1: 0100007F:1F90 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n" +
		"   2: 0100007F:C000 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0\n" +
		"   3: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 0\n" +
		"   4: 00000000:1F90 00000000:0000 0A\n"
	for port, want := range map[int][]string{8080: {"4711"}, 8081: {"4714"}, 80: nil, 49152: nil} {
		if got := parseListening([]byte(table), port); !slices.Equal(got, want) {
			t.Errorf("parseListening(%d) = %q, want %q", port, got, want)
		}
	}
}

func TestParseMallocs(t *testing.T) {
	t.Parallel()
	const metrics = "# TYPE go_memstats_mallocs_total counter\ngo_memstats_mallocs_total 1.5e+06\ngo_goroutines 9\n"
	if n, err := parseMallocs([]byte(metrics)); err != nil || n != 1.5e6 {
		t.Errorf("parseMallocs = %v, %v; want 1.5e6", n, err)
	}
	for _, bad := range []string{"", "go_goroutines 9\n", "go_memstats_mallocs_total many\n"} {
		if n, err := parseMallocs([]byte(bad)); err == nil {
			t.Errorf("parseMallocs(%q) = %v, want an error", bad, n)
		}
	}
}
