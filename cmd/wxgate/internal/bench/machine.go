package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// A machine is where and how the figures were measured.
type machine struct {
	Time      time.Time `json:"time"`
	Processor string    `json:"processor"`
	CPUs      int       `json:"cpus"`
	Kernel    string    `json:"kernel"`
	Go        string    `json:"go"`
	Command   []string  `json:"command"`
	Short     bool      `json:"short"` // the figures mean nothing
}

func describe(o options) machine {
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return machine{
		Time: time.Now().UTC().Truncate(time.Second), Processor: processor(), CPUs: runtime.NumCPU(),
		Kernel: strings.TrimSpace(string(kernel)), Go: runtime.Version(), Command: o.args, Short: o.short,
	}
}

// processor returns the name of the first processor, if Linux tells it.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func writeMachine(w io.Writer, m machine) {
	fmt.Fprintf(w, "%s, %d CPUs, Linux %s, %s, %s. `go run ./cmd/wxgate/internal/bench %s`\n\n",
		m.Processor, m.CPUs, m.Kernel, m.Go, m.Time.Format(time.DateOnly), strings.Join(m.Command, " "))
	if m.Short {
		fmt.Fprint(w, "A short run, to find errors: the figures mean nothing.\n\n")
	}
}
