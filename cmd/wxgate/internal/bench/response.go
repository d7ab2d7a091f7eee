package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"strconv"
)

// expected is what a response has to be.
type expected struct {
	status int
	bytes  int64  // of the body; -1: any number
	header string // header that has the value openID
	openID string // "" for a server that knows no visitors
}

// read reads one response and compares it. It is much cheaper than net/http's client,
// so that it takes little processor time from the server that is measured.
func (e expected) read(r *bufio.Reader) error {
	status, err := readStatus(r)
	if err != nil {
		return err
	}
	h, err := readHeader(r, e)
	if err != nil {
		return fmt.Errorf("read header: %w", err)
	}
	received, err := discardBody(r, h.length, h.chunked)
	switch {
	case err != nil:
		return fmt.Errorf("read body of status %d: %w", status, err)
	case status != e.status:
		return fmt.Errorf("status %d, want %d", status, e.status)
	case e.bytes >= 0 && received != e.bytes:
		return fmt.Errorf("body of %d bytes, want %d", received, e.bytes)
	case h.openID != e.openID:
		return fmt.Errorf("header %s: %q, want the visitor who signed in", e.header, h.openID)
	}
	return nil
}

// header is what matters of a response header.
type header struct {
	length  int64 // -1: unknown
	chunked bool
	openID  string
}

func readHeader(r *bufio.Reader, e expected) (header, error) {
	h := header{length: -1}
	for {
		line, err := readLine(r)
		if err != nil || len(line) == 0 {
			return h, err
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case isHeader(name, "Content-Length"):
			if h.length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return h, err
			}
		case isHeader(name, "Transfer-Encoding"):
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		case e.openID != "" && isHeader(name, e.header):
			h.openID = string(value)
		}
	}
}

func isHeader(name []byte, want string) bool {
	return len(name) == len(want) && bytes.EqualFold(name, []byte(want))
}

// readStatus reads a status line.
func readStatus(r *bufio.Reader) (int, error) {
	line, err := readLine(r)
	if err != nil {
		return 0, fmt.Errorf("read status: %w", err)
	}
	if len(line) < len("HTTP/1.1 200") || string(line[:7]) != "HTTP/1." {
		return 0, errors.New("response is not HTTP/1")
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return 0, fmt.Errorf("read status: %w", err)
	}
	return status, nil
}

// readLine reads a line and returns it without its end. It is valid until the next
// read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// discardBody reads a body and returns its length.
func discardBody(r *bufio.Reader, length int64, chunked bool) (int64, error) {
	if !chunked {
		if length < 0 {
			return 0, errors.New("no Content-Length, and not chunked")
		}
		return io.CopyN(io.Discard, r, length)
	}
	n, err := io.Copy(io.Discard, httputil.NewChunkedReader(r))
	for err == nil { // the trailer
		line, lineErr := readLine(r)
		if err = lineErr; len(line) == 0 {
			break
		}
	}
	return n, err
}
