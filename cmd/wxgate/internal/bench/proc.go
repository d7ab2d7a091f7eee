package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

var errNotLinux = errors.New("bench reads processor time and memory of processes from /proc, which only Linux has")

// memory is the resident memory of a process in bytes.
type memory struct {
	now  float64 // VmRSS
	peak float64 // VmHWM
}

// memoryOf returns the memory of the processes together. What processes share counts
// for each of them.
func memoryOf(pids []int) (sum memory, err error) {
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return sum, fmt.Errorf("memory: %w", err)
		}
		m, err := parseMemory(status)
		if err != nil {
			return sum, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		sum.now, sum.peak = sum.now+m.now, sum.peak+m.peak
	}
	return sum, nil
}

// parseMemory parses /proc/PID/status.
func parseMemory(status []byte) (m memory, err error) {
	for key, value := range map[string]*float64{"VmRSS": &m.now, "VmHWM": &m.peak} {
		_, rest, found := bytes.Cut(status, []byte("\n"+key+":"))
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		fields := strings.Fields(string(line))
		if !found || len(fields) != 2 || fields[1] != "kB" {
			return m, fmt.Errorf("status has no %s in kB", key)
		}
		kib, err := strconv.ParseUint(fields[0], 10, 53)
		if err != nil {
			return m, fmt.Errorf("%s: %w", key, err)
		}
		*value = float64(kib) * 1024
	}
	return m, nil
}

// resetPeak makes the peak of a process's memory its present memory.
func resetPeak(pids []int) error {
	for _, pid := range pids {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
			return fmt.Errorf("reset peak memory: %w", err)
		}
	}
	return nil
}

// cpuOf returns the processor time of the processes together.
func cpuOf(pids []int) (sum time.Duration, err error) {
	for _, pid := range pids {
		t, err := cpuTime(pid)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

// listeners returns the processes that hold a listening TCP socket of the port, such
// as all workers of an nginx. It finds those of other users only as root.
func listeners(port int) ([]int, error) {
	sockets := map[string]bool{}
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, inode := range parseListening(table, port) {
			sockets["socket:["+inode+"]"] = true
		}
	}
	links, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || !sockets[to] {
			continue // it has been closed, or is not what is sought
		}
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		if err == nil && !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// parseListening returns the inodes of the sockets that listen on the port, from
// /proc/net/tcp.
func parseListening(table []byte, port int) (inodes []string) {
	const listening, state, inode = "0A", 3, 9
	suffix := fmt.Sprintf(":%04X", port)
	for scanner := bufio.NewScanner(bytes.NewReader(table)); scanner.Scan(); {
		fields := strings.Fields(scanner.Text())
		if len(fields) > inode && strings.HasSuffix(fields[1], suffix) && fields[state] == listening {
			inodes = append(inodes, fields[inode])
		}
	}
	return inodes
}
