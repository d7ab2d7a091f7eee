package samplesite_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/samplesite"
)

func TestEcho(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(samplesite.Handler())
	defer server.Close()
	conn, _, err := websocket.Dial(t.Context(), server.URL+"/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"X-Wx-Openid": {openID}, "Origin": {server.URL}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	expect := func(wantKind websocket.MessageType, want string) {
		t.Helper()
		kind, got, err := conn.Read(t.Context())
		if err != nil || kind != wantKind || string(got) != want {
			t.Errorf("read %v %q, %v, want %v %q", kind, got, err, wantKind, want)
		}
	}
	expect(websocket.MessageText, "hello "+openID)
	for _, message := range []string{"你好", "<b>", ""} {
		if err := conn.Write(t.Context(), websocket.MessageBinary, []byte(message)); err != nil {
			t.Fatal(err)
		}
		expect(websocket.MessageBinary, message)
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("close: %v", err)
	}
}

func TestEchoRefusesAnotherSite(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(samplesite.Handler())
	defer server.Close()
	_, answer, err := websocket.Dial(t.Context(), server.URL+"/ws", &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"https://evil.example"}},
	})
	if err == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("handshake from another site: %v, %v, want 403", answer, err)
	}
}

// A flushed response holds what was flushed to the browser so far.
type flushed struct {
	header  http.Header
	written bytes.Buffer
	mu      sync.Mutex
	sent    strings.Builder
}

func (f *flushed) Header() http.Header         { return f.header }
func (f *flushed) WriteHeader(int)             {}
func (f *flushed) Write(p []byte) (int, error) { return f.written.Write(p) }

func (f *flushed) Flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.written.WriteTo(&f.sent)
}

func (f *flushed) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent.String()
}

func TestEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, leave := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "GET", "/events", nil)
		r.Header.Set("X-WX-OpenID", openID)
		w, ended := &flushed{header: http.Header{}}, false
		go func() {
			samplesite.Handler().ServeHTTP(w, r)
			ended = true
		}()
		expect := func(after time.Duration, ticks, heartbeats int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			got := w.String()
			if n := strings.Count(got, "data: {"); n != ticks {
				t.Errorf("%d ticks sent, want %d:\n%s", n, ticks, got)
			}
			if n := strings.Count(got, ": heartbeat\n\n"); n != heartbeats {
				t.Errorf("%d heartbeats sent, want %d:\n%s", n, heartbeats, got)
			}
		}
		expect(time.Millisecond, 0, 0)
		expect(time.Second, 1, 0)
		expect(time.Second, 2, 0)
		expect(14*time.Second, 16, 1)
		first, _, _ := strings.Cut(w.String(), "\n\n")
		if !strings.HasPrefix(first, `data: {"n":1,"time":"`) || !strings.HasSuffix(first, `","openid":"`+openID+`"}`) {
			t.Errorf("first event = %q", first)
		}
		if kind := w.header.Get("Content-Type"); kind != "text/event-stream" {
			t.Errorf("Content-Type = %q, want text/event-stream", kind)
		}
		leave()
		synctest.Wait()
		if !ended {
			t.Error("the stream goes on after its visitor has left")
		}
	})
}
