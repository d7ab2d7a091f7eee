package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// A process is a child of bench.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string // file of its output
	since time.Time
	ended chan struct{} // closed when it has ended
}

// passed are the variables that children get from bench's own environment.
var passed = []string{"PATH", "HOME", "GOGC", "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG"}

// spawn starts a program. Its output goes to a file, as access lines would.
func (b *bench) spawn(ctx context.Context, name, program string, args, environ []string) (*process, error) {
	output, err := os.CreateTemp(b.dir, "output-")
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = output, output, dieWithParent()
	cmd.Env = slices.Clone(environ)
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	p := &process{name: name, cmd: cmd, log: output.Name(), since: time.Now(), ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.ended)
		cmd.Wait()
	}()
	return p, nil
}

// stop kills the process and removes its output.
func (p *process) stop() {
	if p == nil {
		return
	}
	p.cmd.Process.Kill()
	<-p.ended
	os.Remove(p.log)
}

// failure returns an error with the end of the process's output.
func (p *process) failure(what string) error {
	const shown = 2000
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %s; its output ends with\n%s", p.name, what, bytes.TrimSpace(text[max(0, len(text)-shown):]))
}

// patience limits the wait for a process to respond.
const patience = 30 * time.Second

// ready waits until a server of the process responds to the request, and returns the
// time since the process was started.
func (p *process) ready(ctx context.Context, address string, request []byte) (time.Duration, error) {
	const pause = 200 * time.Microsecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if responds(address, request) {
			return time.Since(p.since), nil
		}
		select {
		case <-p.ended:
			return 0, p.failure("ended before it responded")
		case <-ctx.Done():
			return 0, p.failure("does not respond")
		case <-time.After(pause):
		}
	}
}

// responds reports whether a server sends anything back.
func responds(address string, request []byte) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(request); err != nil {
		return false
	}
	n, _ := conn.Read(make([]byte, 1))
	return n == 1
}

// freeAddress returns an address of this machine that nothing listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// build compiles the programs of the module that bench needs into its directory.
func (b *bench) build(ctx context.Context, packages ...string) error {
	const module = "github.com/wxgate/wxgate/"
	args := []string{"build", "-o", b.dir + string(filepath.Separator)}
	if !b.short { // where other flags cost a build of all packages
		args = append(args, "-trimpath", "-tags=grpcnotrace") // as releases
	}
	for _, name := range packages {
		args = append(args, module+name)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build, which needs Go and a directory of wxgate's source: %w\n%s", err, output)
	}
	return nil
}
