package forward_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/rs/zerolog"

	"github.com/wxgate/wxgate/gateway/internal/forward"
)

// closer counts how often it is closed.
type closer struct {
	io.Reader
	closed int
}

func (c *closer) Close() error {
	c.closed++
	return nil
}

func TestBody(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	tests := []struct {
		name string
		in   io.Reader
		want error // nil: read to its end
	}{
		{"whole", strings.NewReader("body"), nil},
		{"empty", strings.NewReader(""), nil},
		{"data with the end", iotest.DataErrReader(strings.NewReader("body")), nil},
		{"broken", io.MultiReader(strings.NewReader("body"), iotest.ErrReader(broken)), broken},
		{"cut short", iotest.ErrReader(io.ErrUnexpectedEOF), io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		inner := &closer{Reader: tt.in}
		body := &forward.Body{ReadCloser: inner}
		_, err := io.ReadAll(body)
		if tt.want == nil {
			if err != nil {
				t.Errorf("%s: %v, want no error", tt.name, err)
			}
			continue
		}
		_, ok := errors.AsType[*forward.BodyError](err)
		if !ok || !errors.Is(err, tt.want) || err.Error() != "read request body: "+tt.want.Error() {
			t.Errorf("%s: %v, want a BodyError that wraps %v", tt.name, err, tt.want)
		}
		if body.Close(); inner.closed != 1 {
			t.Errorf("%s: closed %d times, want once", tt.name, inner.closed)
		}
	}
}

func TestUnquoted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"dial tcp 127.0.0.1:1: connection refused":                "dial tcp 127.0.0.1:1: connection refused",
		`malformed HTTP response "planted"`:                       "malformed HTTP response ",
		`malformed MIME header line: "openid: planted" and "too"`: "malformed MIME header line: ",
	} {
		if got := forward.Unquoted(errors.New(in)); got.Error() != want || errors.Unwrap(got) != nil {
			t.Errorf("Unquoted(%s) = %q, want %q and nothing wrapped", in, got, want)
		}
	}
}

// net/http quotes a response that is not HTTP. Unquoted removes it.
func TestUnquotedOfNetHTTP(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Read(make([]byte, 1<<10))
		io.WriteString(conn, "openid=planted\r\n\r\n")
	}()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = forward.NewTransport(time.Minute).RoundTrip(r)
	if err == nil || !strings.Contains(err.Error(), "planted") {
		t.Fatalf("net/http's error = %v, want one that quotes the response", err)
	}
	if got := forward.Unquoted(err).Error(); strings.Contains(got, "planted") || !strings.Contains(got, "malformed") {
		t.Errorf("Unquoted = %q, want the reason without the response", got)
	}
}

// The messages of ReverseProxy are at level debug.
func TestErrorLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	forward.ErrorLog(zerolog.New(&log)).Printf("read error during body copy: %v\n", io.ErrUnexpectedEOF)
	want := `{"level":"debug","detail":"read error during body copy: unexpected EOF","message":"reverse proxy"}` + "\n"
	if got := log.String(); got != want {
		t.Errorf("line %swant %s", got, want)
	}
	log.Reset()
	forward.ErrorLog(zerolog.New(&log)).Printf("malformed MIME header: missing colon: %q", "Set-Cookie planted-secret")
	want = `{"level":"debug","detail":"malformed MIME header: missing colon:","message":"reverse proxy"}` + "\n"
	if got := log.String(); got != want {
		t.Errorf("line %swant %s", got, want)
	}
	log.Reset()
	forward.ErrorLog(zerolog.New(&log).Level(zerolog.InfoLevel)).Print("read error")
	if log.Len() > 0 {
		t.Errorf("line %s at level info, want none", &log)
	}
}

// A compressed body stays as the upstream sent it, and requests have no
// Accept-Encoding of the transport's.
func TestTransportPassesBodiesOn(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "hello")
	z.Close()
	encoding := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		encoding <- r.Header.Get("Accept-Encoding")
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed.Bytes())
	}))
	defer server.Close()
	res := roundTrip(t, forward.NewTransport(time.Minute), server.URL)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(body, packed.Bytes()) || res.Header.Get("Content-Encoding") != "gzip" {
		t.Errorf("body %q, %v, header %v, want the bytes that were sent", body, err, res.Header)
	}
	if got := <-encoding; got != "" {
		t.Errorf("the server sees Accept-Encoding %q, want none", got)
	}
}

// The timeout is for the header alone: a body may take longer.
func TestTransportHeaderTimeout(t *testing.T) {
	t.Parallel()
	const timeout = 100 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow-header" {
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Second):
			}
			return
		}
		http.NewResponseController(w).Flush()
		time.Sleep(2 * timeout)
		io.WriteString(w, "late")
	}))
	defer server.Close()
	transport := forward.NewTransport(timeout)
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/slow-header", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = transport.RoundTrip(r)
	if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
		t.Errorf("without a header: %v, want a timeout", err)
	}
	res := roundTrip(t, transport, server.URL+"/slow-body")
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "late" {
		t.Errorf("slow body: %q, %v, want it whole", body, err)
	}
}

func roundTrip(t *testing.T, transport http.RoundTripper, address string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
