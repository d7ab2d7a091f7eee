package tunnel

import (
	"io"
	"net/http/httputil"
)

// heldBytes is the size of the buffer with which a source waits that has to have one.
const heldBytes = 512

// A source reads from one side.
type source struct {
	io.Reader
	buffers httputil.BufferPool
	buffer  []byte // borrowed; nil while nothing has come

	wait func(*source) ([]byte, error) // implements read without a buffer; nil: that is not possible
	held []byte                        // if wait is nil
	more bool                          // the last read has filled held: it has left the rest to a larger buffer
}

func newSource(from io.Reader, buffers httputil.BufferPool) *source {
	s := &source{Reader: from, buffers: buffers, wait: fileReader(from)}
	if s.wait == nil {
		s.held = make([]byte, heldBytes)
	}
	return s
}

// read waits until something has come, and returns it. It is valid until giveBack.
func (s *source) read() ([]byte, error) {
	if s.wait != nil {
		return s.wait(s)
	}
	into := s.held
	if s.more {
		into = s.borrow()
	}
	n, err := s.Read(into)
	s.more = n == len(into)
	return into[:n], err
}

// borrow takes a buffer until giveBack.
func (s *source) borrow() []byte {
	s.buffer = s.buffers.Get()
	return s.buffer
}

// giveBack gives back the buffer, if one was borrowed.
func (s *source) giveBack() {
	if s.buffer != nil {
		s.buffers.Put(s.buffer)
		s.buffer = nil
	}
}
