package wechattest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// Transport sends the requests of an http.Client to the emulator without a
// network, for any host. It is meant for tests, above all in a testing/synctest
// bubble, where sockets do not work. A connection that a [Fault] resets is an
// error. The response is returned when it is complete.
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
	rec := &recorder{header: http.Header{}}
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
		t.handler.ServeHTTP(rec, in)
		whole = true
	}()
	select {
	case <-req.Context().Done():
		return nil, req.Context().Err()
	case whole := <-done:
		if req.Context().Err() != nil { // which ends a handler that hangs
			return nil, req.Context().Err()
		}
		if !whole {
			return nil, io.ErrUnexpectedEOF
		}
	}
	if req.Method == http.MethodHead {
		rec.body.Reset()
	}
	return &http.Response{
		Status: fmt.Sprint(rec.status, " ", http.StatusText(rec.status)), StatusCode: rec.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, Body: io.NopCloser(&rec.body), ContentLength: int64(rec.body.Len()), Request: req,
	}, nil
}

// recorder is a ResponseWriter that keeps the response in memory.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}
