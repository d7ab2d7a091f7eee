package relay_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// If WeChat refuses the token, it is renewed, and the call is repeated with the same
// body.
func TestRelayRepeats(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil, "POST /cgi-bin/user/info/batchget")
	openID := l.wx.OpenID(wechattest.StockAppID, wechattest.StockVisitors()[0].ID)
	batchget := func(token string) {
		t.Helper()
		list := strings.NewReader(`{"user_list":[{"openid":"` + openID + `"}]}`)
		got := l.do("POST", "/cgi-bin/user/info/batchget", list)
		if got.status != 200 || !strings.Contains(got.body, openID) {
			t.Errorf("%s token: %v, want WeChat's response", token, got)
		}
	}
	batchget("fresh")
	l.wx.VoidTokens(wechattest.StockAppID)
	batchget("void")
	if n := l.wx.Calls("/cgi-bin/user/info/batchget"); n != 3 {
		t.Errorf("%d calls, want 3: one, and one repeated", n)
	}
	if n := l.wx.Calls("/cgi-bin/stable_token"); n != 2 {
		t.Errorf("the token is fetched %d times, want twice", n)
	}
}

// A call is repeated only if the response says that the token is expired or replaced.
func TestRelayRepeatsOnlyStaleTokens(t *testing.T) {
	t.Parallel()
	const typeJSON = "application/json; encoding=utf-8"
	large := strings.Repeat("x", 1<<20+1)
	for _, test := range []struct {
		name           string
		contentType    string
		response, body string
		calls          int
	}{
		{"not latest", typeJSON, `{"errcode":40001,"errmsg":"invalid credential"}`, "b", 2},
		{"invalid", typeJSON, `{"errcode":40014,"errmsg":"x"}`, "b", 2},
		{"expired", typeJSON, `{"errcode":42001,"errmsg":"x"}`, "b", 2},
		{"as text/plain", "text/plain", `{"errcode":40001}`, "b", 2},
		{"without a type", "", `{"errcode":40001}`, "b", 2},
		{"after the text", typeJSON, ` { "errmsg" : "x" , "errcode" : 40001 }`, "b", 2},
		{"cut short", typeJSON, `{"errcode":40001,"errm`, "b", 2},
		{"the longest body to repeat", typeJSON, `{"errcode":40001}`, large[1:], 2},
		{"too long to repeat", typeJSON, `{"errcode":40001}`, large, 1},
		{"success", typeJSON, `{"errcode":0,"errmsg":"ok"}`, "b", 1},
		{"other refusal", typeJSON, `{"errcode":45009,"errmsg":"x"}`, "b", 1},
		{"deeper", typeJSON, `{"data":{"errcode":40001}}`, "b", 1},
		{"behind data", typeJSON, `{"data":1,"errcode":40001}`, "b", 1},
		{"a string", typeJSON, `"errcode\":40001"`, "b", 1},
		{"not JSON", typeJSON, `<errcode>40001`, "b", 1},
		{"nothing", typeJSON, ``, "b", 1},
		{"a picture", "image/jpeg", `{"errcode":40001}`, "b", 1},
		{"too far away", typeJSON, strings.Repeat(" ", 4<<10) + `{"errcode":40001}`, "b", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var bodies []string
			l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				bodies = append(bodies, string(body))
				mu.Unlock()
				w.Header()["Content-Type"] = []string{test.contentType}
				w.Header().Set("Content-Length", fmt.Sprint(len(test.response)))
				io.WriteString(w, test.response)
			}, "/x")
			got := l.do("POST", "/x", strings.NewReader(test.body))
			if got.status != 200 || got.body != test.response {
				t.Errorf("response %v, want %q unchanged", got, test.response)
			}
			if len(bodies) != test.calls {
				t.Errorf("%d calls, want %d", len(bodies), test.calls)
			}
			for _, body := range bodies {
				if body != test.body {
					t.Errorf("WeChat gets a body of %d bytes, want %d", len(body), len(test.body))
				}
			}
		})
	}
}

// A short body of unknown length is repeated too, and sent with its length.
func TestRelayChunkedBody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		size   int
		length int64
		calls  int
	}{{"short", 1000, 1000, 2}, {"long", 3 << 20, -1, 1}} {
		var lengths []int64
		var total int
		l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			total = len(body)
			lengths = append(lengths, r.ContentLength)
			io.WriteString(w, `{"errcode":40001}`)
		}, "/x")
		l.do("POST", "/x", io.MultiReader(bytes.NewReader(make([]byte, test.size))))
		if len(lengths) != test.calls || lengths[0] != test.length || total != test.size {
			t.Errorf("%s: %d calls with the lengths %d and %d bytes, want %d with %d and %d",
				test.name, len(lengths), lengths, total, test.calls, test.length, test.size)
		}
	}
}

// WeChat receives the beginning of a long upload before the end is sent.
func TestRelayStreamsUploads(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	l := newLab(t, func(_ http.ResponseWriter, r *http.Request) {
		io.ReadFull(r.Body, make([]byte, 1<<20))
		close(arrived)
		io.Copy(io.Discard, r.Body)
	}, "/x")
	end := readerFunc(func([]byte) (int, error) {
		<-arrived
		return 0, io.EOF
	})
	if got := l.do("POST", "/x", io.MultiReader(bytes.NewReader(make([]byte, 2<<20)), end)); got.status != 200 {
		t.Errorf("upload = %v", got)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// The client receives the beginning of a response before WeChat sends the end.
func TestRelayStreamsDownloads(t *testing.T) {
	t.Parallel()
	received := make(chan struct{})
	l := newLab(t, func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"data":`)
		http.NewResponseController(w).Flush()
		<-received
		io.WriteString(w, `1}`)
	}, "/x")
	r, err := http.NewRequestWithContext(t.Context(), "GET", l.url+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	head := make([]byte, 8)
	if _, err := io.ReadFull(res.Body, head); err != nil || string(head) != `{"data":` {
		t.Errorf("the response begins with %q, %v", head, err)
	}
	close(received)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "1}" {
		t.Errorf("the response ends with %q, %v", rest, err)
	}
}

// The token is renewed for a call that cannot be repeated, too. The next one has it.
func TestRelayRenewsForTheNextCall(t *testing.T) {
	t.Parallel()
	var tokens []string
	l := newLab(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		tokens = append(tokens, r.URL.Query().Get("access_token"))
		if len(tokens) == 1 {
			io.WriteString(w, `{"errcode":42001}`)
		}
	}, "/x")
	l.do("POST", "/x", bytes.NewReader(make([]byte, 2<<20)))
	l.do("GET", "/x", nil)
	if len(tokens) != 2 || tokens[0] == tokens[1] {
		t.Errorf("%d calls with the tokens %q, want two with different ones", len(tokens), tokens)
	}
}
