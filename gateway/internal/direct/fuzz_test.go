package direct_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"

	"github.com/wxgate/wxgate/gateway/internal/direct"
)

// sent is a connection on which an upstream sends all that it ever will when it is asked.
type sent struct {
	rest  *bytes.Reader
	asked chan struct{}
	ask   func()
}

func newSent(answer string) sent {
	asked := make(chan struct{})
	return sent{bytes.NewReader([]byte(answer)), asked, sync.OnceFunc(func() { close(asked) })}
}

func (s sent) Read(p []byte) (int, error) {
	<-s.asked
	return s.rest.Read(p)
}

func (s sent) Write(p []byte) (int, error) {
	s.ask()
	return len(p), nil
}

func (s sent) Close() error {
	s.ask()
	return nil
}

func (sent) LocalAddr() net.Addr              { return nil }
func (sent) RemoteAddr() net.Addr             { return nil }
func (sent) SetDeadline(time.Time) error      { return nil }
func (sent) SetReadDeadline(time.Time) error  { return nil }
func (sent) SetWriteDeadline(time.Time) error { return nil }

// outcome is what a transport makes of an upstream's bytes.
type outcome struct {
	Failed  bool // no response
	Interim []int
	Status  int
	Length  int64
	Header  http.Header
	Body    string
	Cut     bool // the body ends with an error
	Trailer http.Header
}

// outcomeOf sends a request; upgrade: one for another protocol on its connection.
func outcomeOf(method string, upgrade bool, transport http.RoundTripper) outcome {
	var o outcome
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			o.Interim = append(o.Interim, code)
			return nil
		},
	})
	r, err := http.NewRequestWithContext(ctx, method, "http://h5.example.com/", nil)
	if err != nil {
		panic(err) // the test's own mistake
	}
	if upgrade {
		r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		o.Failed = true
		return o
	}
	defer res.Body.Close()
	o.Status, o.Length, o.Header = res.StatusCode, res.ContentLength, res.Header
	read, err := io.ReadAll(res.Body)
	o.Body, o.Cut, o.Trailer = string(read), err != nil, res.Trailer
	return o
}

// FuzzResponse: an upstream's bytes mean the same as to http.Transport.
func FuzzResponse(f *testing.F) {
	for _, s := range scripts {
		for _, answer := range s.answers {
			answer = strings.TrimSuffix(answer, hangUp)
			f.Add(answer, byte(0), false)
			f.Add(answer, byte(1), false)
			f.Add(answer, byte(0), true)
		}
	}
	methods := []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete}
	f.Fuzz(func(t *testing.T, answer string, method byte, upgrade bool) {
		if strings.Contains(answer, " 101") && !upgrade { // http.Transport lets an unasked one through
			return
		}
		of := methods[int(method)%len(methods)]
		if upgrade {
			of = http.MethodGet // others are left to http.Transport
		}
		dial := func(context.Context) (net.Conn, error) { return newSent(answer), nil }
		usual := &http.Transport{
			DialContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableCompression: true,
		}
		defer usual.CloseIdleConnections()
		want := outcomeOf(of, upgrade, usual)
		if want.Status == http.StatusSwitchingProtocols && !switches(want.Header) {
			return // the caller refuses it, whatever its body is
		}
		got := outcomeOf(of, upgrade, direct.New(direct.Config{Dial: dial}))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-http.Transport +direct):\n%s", d)
		}
		moved := outcomeOf(of, upgrade, moving{direct.New(direct.Config{Dial: dial})})
		if d := cmp.Diff(want, moved); d != "" {
			t.Errorf("(-http.Transport +moved body):\n%s", d)
		}
	})
}

// switches reports whether a response with status 101 says to what it switches.
func switches(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Connection"], "Upgrade") && h.Get("Upgrade") != ""
}
