package redistest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A process is a redis-server that can be started again. Its methods may be
// called from several goroutines, start excepted.
type process struct {
	path string
	args []string
	log  string // file with the output of the running process

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has ended
}

// start starts the process. It must not be running.
func (p *process) start() error {
	out, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd, ended := exec.Command(p.path, p.args...), make(chan struct{})
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(p.log), out, out
	cmd.SysProcAttr = endsWithParent()
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer close(ended)
		cmd.Wait()
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.ended = cmd, ended
	return nil
}

// running returns the process that was started last and the channel that is closed
// when it has ended.
func (p *process) running() (*os.Process, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process, p.ended
}

func (p *process) alive() bool {
	_, ended := p.running()
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

// await calls ready until it succeeds. It gives up when the process ends.
func (p *process) await(ready func() error) error {
	_, ended := p.running()
	deadline := time.Now().Add(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready: %w\n%s", err, p.tail())
		}
		select {
		case <-ended:
			return fmt.Errorf("ended at start\n%s", p.tail())
		case <-time.After(interval):
		}
	}
}

// stop ends the process in order, also if it is suspended.
func (p *process) stop() error {
	cmd, ended := p.running()
	if err := cmd.Signal(syscall.SIGTERM); errors.Is(err, os.ErrProcessDone) {
		<-ended
		return nil
	}
	p.signal("CONT") // fails if the process has ended meanwhile
	select {
	case <-ended:
		return nil
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("did not stop within %v\n%s", patience, p.tail())
	}
}

// kill ends the process at once, also if it is suspended.
func (p *process) kill() {
	cmd, ended := p.running()
	cmd.Kill()
	<-ended
}

// signal sends STOP or CONT to the process. Package syscall does not have them on
// every system that this package is built for.
func (p *process) signal(name string) error {
	cmd, _ := p.running()
	out, err := exec.Command("sh", "-c", "kill -"+name+" "+strconv.Itoa(cmd.Pid)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("send SIG%s: %w: %s", name, err, out)
	}
	return nil
}

// tail returns the last lines of the output.
func (p *process) tail() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
