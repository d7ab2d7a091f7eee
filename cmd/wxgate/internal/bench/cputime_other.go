//go:build !linux

package main

import (
	"syscall"
	"time"
)

func cpuTime(int) (time.Duration, error) { return 0, errNotLinux }

func dieWithParent() *syscall.SysProcAttr { return nil }
