package stall

import (
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// pipeBytes is how much a pipe holds. A client that is slow may make it wait there.
	pipeBytes = 256 << 10
	// maxPipes limits the pipes in use. Linux by default allows a user 64 MiB for all.
	maxPipes = 256
)

// A pipe is a buffer in the kernel, through which bytes go from one socket to another.
type pipe struct {
	in, out int
	held    int // bytes in it
	unused  runtime.Cleanup
}

var (
	idlePipes sync.Pool
	pipesUsed atomic.Int32
)

// takePipe returns an empty pipe; nil: there are too many, or the system has none.
func takePipe() *pipe {
	if pipesUsed.Add(1) <= maxPipes {
		if p, ok := idlePipes.Get().(*pipe); ok {
			return p
		}
		if p := newPipe(); p != nil {
			return p
		}
	}
	pipesUsed.Add(-1)
	return nil
}

func newPipe() *pipe {
	var ends [2]int
	if unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return nil
	}
	if _, err := unix.FcntlInt(uintptr(ends[0]), unix.F_SETPIPE_SZ, pipeBytes); err != nil {
		closePipe(ends) // it may hold as little as two pages
		return nil
	}
	p := &pipe{out: ends[0], in: ends[1]}
	p.unused = runtime.AddCleanup(p, closePipe, ends)
	return p
}

func closePipe(ends [2]int) {
	unix.Close(ends[0])
	unix.Close(ends[1])
}

// release keeps the pipe for others if it is empty, and closes it else.
func (p *pipe) release() {
	defer pipesUsed.Add(-1)
	if p.held == 0 {
		idlePipes.Put(p)
		return
	}
	p.unused.Stop()
	closePipe([2]int{p.out, p.in})
}

// splice moves bytes between a socket and a pipe, and waits for neither.
func splice(from, to, most int) (int, error) {
	for {
		n, err := unix.Splice(from, nil, to, nil, most, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		if err != unix.EINTR {
			return int(n), err
		}
	}
}
