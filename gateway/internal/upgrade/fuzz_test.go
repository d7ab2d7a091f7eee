package upgrade_test

import (
	"strings"
	"testing"
	"testing/synctest"
)

// Wherever a shutdown begins, the client gets whole frames and then the close frame.
func FuzzShutdown(f *testing.F) {
	f.Add(response+text+long, uint(3), uint(90))
	f.Add(response+longest+closing+text, uint(1000), uint(5000))
	f.Add(response+"\x81\x85abcdhello\x00", uint(1), uint(80))
	f.Add("HTTP/1.1 101\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", uint(2), uint(20))
	f.Fuzz(func(t *testing.T, sent string, size, at uint) {
		begin := int(at % uint(len(sent)+1))
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, false)
			received := r.read()
			write(t, r.conn, sent[:begin], int(size%4096)+1)
			go r.set.Shutdown(expired(t))
			synctest.Wait()
			write(t, r.conn, sent[begin:], int(size%4096)+1)
			got := <-received
			r.end()
			if want := cutAt(sent, begin); got != want {
				t.Errorf("a shutdown after %d bytes of %q: the client gets\n%q, want\n%q", begin, sent, got, want)
			}
		})
	})
}

// cutAt returns what the client gets of sent if a shutdown begins after so many
// bytes: all up to the next end of a frame, or of the response, and a close frame.
func cutAt(sent string, begin int) string {
	head, _, found := strings.Cut(sent, "\r\n\r\n")
	at := len(head) + len("\r\n\r\n")
	if !found || at < 12 || !strings.HasPrefix(sent, "HTTP/1.") || sent[8:12] != " 101" {
		return sent
	}
	closed := false
	for at < begin {
		end := frameEnd(sent, at)
		if end < 0 {
			return sent
		}
		closed = closed || sent[at]&0xf == 8
		at = end
	}
	if closed {
		return sent[:at]
	}
	return sent[:at] + goingAway
}

// frameEnd returns where the frame ends that begins at a place in sent; -1 if it
// does not.
func frameEnd(sent string, at int) int {
	frame := []byte(sent[at:])
	header, payload := 2, uint64(0)
	if len(frame) < header {
		return -1
	}
	switch n := frame[1] & 0x7f; n {
	case 126:
		header += 2
	case 127:
		header += 8
	default:
		payload = uint64(n)
	}
	if len(frame) < header {
		return -1
	}
	for _, b := range frame[2:header] {
		payload = payload<<8 | uint64(b)
	}
	if frame[1]&0x80 != 0 {
		header += 4
	}
	if len(frame) < header || payload > uint64(len(frame)-header) {
		return -1
	}
	return at + header + int(payload)
}
