package redistest

import "syscall"

// endsWithParent makes a process end when the test binary is killed.
func endsWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
