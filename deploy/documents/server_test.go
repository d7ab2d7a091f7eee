package documents_test

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// patience is how long a block may take. wxgate is compiled before the first one.
const patience = 2 * time.Minute

// A server is the process of a block. It serves until it is stopped, or ends.
type server struct {
	block  *block
	cmd    *exec.Cmd
	output buffer
	ended  chan struct{}
	err    error // once it has ended
}

// fault returns an error that shows the block and what it printed.
func (s *server) fault(what string) error {
	return fmt.Errorf("line %d: the block %s\n%s\n%s", s.block.line, what, s.block.text, s.output.text())
}

// failure returns the error of a process that has ended.
func (s *server) failure() error {
	if s.err == nil {
		return nil
	}
	return s.fault("ends with " + s.err.Error())
}

// heading returns the last heading above the block.
func (s *server) heading() string {
	if len(s.block.headings) == 0 {
		return ""
	}
	return s.block.headings[len(s.block.headings)-1]
}

func notReady() bool { return false }

// await waits until the server is ready, the process has ended or patience is over. It
// reports whether the process has ended.
func (s *server) await(ready func() bool) bool {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for {
		select {
		case <-s.ended:
			return true
		case <-deadline:
			return false
		case <-again.C:
			if ready() {
				return false
			}
		}
	}
}

// stop ends the process and those that it has started.
func (s *server) stop() {
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// listens reports whether something listens at an address.
func listens(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// A buffer keeps what a process prints.
type buffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *buffer) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}
