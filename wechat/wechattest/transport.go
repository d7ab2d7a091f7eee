package wechattest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport answers requests from the emulator without a network, whatever
// host they name: for an http.Client in a test, above all inside a
// testing/synctest bubble, where sockets do not work. A connection reset by a
// [Fault] is an error; the answer is handed over when it is complete.
func (e *Emulator) Transport() http.RoundTripper { return transport{e} }

type transport struct{ handler http.Handler }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	answer := &memory{header: http.Header{}}
	done := make(chan bool, 1)
	go func() {
		whole := false
		defer func() {
			if recovered := recover(); recovered != nil && recovered != http.ErrAbortHandler {
				panic(recovered)
			}
			in.Body.Close()
			done <- whole
		}()
		t.handler.ServeHTTP(answer, in)
		whole = true
	}()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case whole := <-done:
		if req.Context().Err() != nil { // why a hanging handler has ended
			return nil, req.Context().Err()
		}
		if !whole {
			return nil, io.ErrUnexpectedEOF
		}
	}
	if req.Method == http.MethodHead {
		answer.body.Reset()
	}
	return &http.Response{
		Status: fmt.Sprint(answer.status, " ", http.StatusText(answer.status)), StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header, Body: io.NopCloser(&answer.body), ContentLength: int64(answer.body.Len()), Request: req,
	}, nil
}

// memory keeps an answer.
type memory struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (m *memory) Header() http.Header { return m.header }

func (m *memory) WriteHeader(status int) {
	if m.status == 0 {
		m.status = status
	}
}

func (m *memory) Write(b []byte) (int, error) {
	m.WriteHeader(http.StatusOK)
	return m.body.Write(b)
}
