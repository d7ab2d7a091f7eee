package upgrade

import (
	"bytes"
	"encoding/binary"
)

// frames follows the bytes that a server sends on a connection: the response that
// upgrades it, if the handler writes that itself, then WebSocket frames (RFC 6455,
// section 5.2). It knows where a frame ends, because only there another frame may
// be sent.
type frames struct {
	state state
	head  [12]byte // begin of the response, "HTTP/1.1 101"
	tail  [4]byte  // last bytes of the response so far

	header   [14]byte
	have     int    // bytes of header
	left     uint64 // bytes of the frame's payload to come
	opcode   byte   // of the frame
	closed   bool   // a close frame is complete: none may follow
	received int    // bytes of the response so far
}

// state is what the next byte is.
type state int

const (
	inResponse state = iota // part of the response that upgrades the connection
	inFrames                // part of a WebSocket frame
	inOther                 // anything: the connection is no WebSocket
)

// opClose is the opcode of a close frame.
const opClose = 8

// between reports whether the server may send a frame here.
func (f *frames) between() bool { return f.state == inFrames && f.have == 0 && f.left == 0 }

// advance notes that the server sends the bytes of p up to the end of the current
// frame, or of the response, or of p, and returns how many those are.
func (f *frames) advance(p []byte) int {
	switch f.state {
	case inResponse:
		return f.advanceResponse(p)
	case inFrames:
		n := f.advanceHeader(p)
		payload := min(f.left, uint64(len(p)-n))
		f.left -= payload
		if f.opcode == opClose && f.between() {
			f.closed = true
		}
		return n + int(payload)
	default:
		return len(p)
	}
}

// advanceResponse returns how many bytes of p belong to the response.
func (f *frames) advanceResponse(p []byte) int {
	for n, b := range p {
		if f.received < len(f.head) {
			f.head[f.received] = b
		}
		f.received++
		copy(f.tail[:], f.tail[1:])
		f.tail[len(f.tail)-1] = b
		if string(f.tail[:]) == "\r\n\r\n" {
			f.state = inOther
			if bytes.HasPrefix(f.head[:], []byte("HTTP/1.")) && bytes.HasSuffix(f.head[:], []byte(" 101")) {
				f.state = inFrames
			}
			return n + 1
		}
	}
	return len(p)
}

// advanceHeader returns how many bytes of p belong to the header of the frame. When
// it is complete, left is the length of the payload.
func (f *frames) advanceHeader(p []byte) int {
	if f.left > 0 {
		return 0
	}
	n := 0
	for n < len(p) && f.have < f.headerBytes() {
		f.header[f.have] = p[n]
		f.have++
		n++
	}
	if f.have == f.headerBytes() {
		f.have, f.left, f.opcode = 0, f.payloadBytes(), f.header[0]&0xf
	}
	return n
}

// headerBytes is the length of the frame's header, as far as it is known.
func (f *frames) headerBytes() int {
	n := 2
	if f.have < n {
		return n
	}
	switch f.header[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.header[1]&0x80 != 0 { // a mask, which only clients send
		n += 4
	}
	return n
}

// payloadBytes is the length of the payload that a complete header says.
func (f *frames) payloadBytes() uint64 {
	switch n := f.header[1] & 0x7f; n {
	case 126:
		return uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		return binary.BigEndian.Uint64(f.header[2:])
	default:
		return uint64(n)
	}
}
