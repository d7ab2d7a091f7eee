package relay_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wxgate/wxgate/gateway/relay"
	"github.com/wxgate/wxgate/wechat"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// newHostLab returns the address of a relay that is also asked as the given hosts.
func newHostLab(t *testing.T, hosts ...string) (address string, wx *wechattest.Server) {
	t.Helper()
	wx = wechattest.NewServer()
	t.Cleanup(wx.Close)
	l, err := relay.New(relay.Config{
		Tokens: &wechat.TokenSource{Client: &wechat.Client{
			AppID: wechattest.StockAppID, AppSecret: wechattest.StockAppSecret, APIURL: wx.URL,
		}},
		Paths: []string{"GET /cgi-bin/user/get"}, Hosts: hosts, APIURL: wx.URL, Timeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(l)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String(), wx
}

// hostCases are the heads of requests, and whether the relay answers for their host
// if it is given the names wxgate.example.com and [2001:db8::7].
var hostCases = []struct {
	target, host string // the request target; empty: the path. The Host header; "-": none
	known        bool
}{
	{"", "127.0.0.1", true}, {"", "10.1.2.3:8082", true}, {"", "[::1]:8082", true}, {"", "[2001:DB8::1]", true},
	{"", "localhost:8082", true}, {"", "LOCALHOST.", true}, {"", "relay", true}, {"", "my_app.", true},
	{"", "wxgate.shop.svc", true}, {"", "wxgate.shop.svc.cluster.local:8082", true}, {"", "wxgate.shop.SVC.", true},
	{"", "host.docker.internal", true}, {"", "box.local", true},
	{"", "wxgate.example.com", true}, {"", "WXGATE.example.COM.:8082", true}, {"", "[2001:db8:0::7]:1", true},
	{"http://relay:8082/cgi-bin/user/get", "evil.example", true}, // net/http reads the host of the target

	{"", "", false}, {"", "-", false}, {"", ":8082", false}, {"", ".", false},
	{"", "evil.example", false}, {"", "evil.example:8082", false}, {"", "EVIL.example.", false},
	{"", "example.com", false}, {"", "x.wxgate.example.com", false}, {"", "wxgate.example.com.evil.example", false},
	{"", "127.0.0.1.evil.example", false}, {"", "relay.svc.evil.example", false}, {"", "evil.localhost", false},
	{"", "[localhost]", false}, {"", "[wxgate.example.com]", false}, {"", "wxgate.example.com..", false},
	{"", "relay.internal:x", false}, {"", "evil.example:1:internal", false}, {"", "2130706433", false},
	{"http://evil.example/cgi-bin/user/get", "127.0.0.1", false},
	{"HTTP://EVIL.example:8082/cgi-bin/user/get", "localhost", false},
	{"http://relay@evil.example/cgi-bin/user/get", "relay", false},
}

// A page whose domain points to the relay's address (DNS rebinding) sends no header
// by which it is known but its host.
func TestRelayHosts(t *testing.T) {
	t.Parallel()
	address, wx := newHostLab(t, "WXGATE.example.com:443", "[2001:db8::7]")
	for _, tt := range hostCases {
		target, head := "/cgi-bin/user/get", ""
		if tt.target != "" {
			target = tt.target
		}
		version := "HTTP/1.1"
		if tt.host == "-" {
			version = "HTTP/1.0"
		} else {
			head = "Host: " + tt.host + "\r\n"
		}
		wx.ClearRequests()
		status, body := exchangeRaw(t, address, "GET "+target+" "+version+"\r\n"+head+"Connection: close\r\n\r\n")
		if tt.known {
			if status != 200 || !strings.Contains(body, `"total":4`) {
				t.Errorf("%s with the host %q = %d %s, want the follower list", target, tt.host, status, body)
			}
			continue
		}
		echoed := strings.Contains(strings.ToLower(body), "evil")
		if status != 421 || !strings.Contains(body, `"error":"unknown_site"`) || echoed {
			t.Errorf("%s with the host %q = %d %s, want 421 unknown_site", target, tt.host, status, body)
		}
		if n := len(wx.Requests()); n != 0 {
			t.Errorf("%s with the host %q: %d calls of WeChat, want none", target, tt.host, n)
		}
	}
}

// exchangeRaw sends a request as it stands and returns the response.
func exchangeRaw(t *testing.T, address, request string) (status int, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, request)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// In HTTP/2 the host is that of :authority.
func TestRelayAuthority(t *testing.T) {
	t.Parallel()
	address, _ := newHostLab(t)
	client := &http.Transport{Protocols: new(http.Protocols)}
	client.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(client.CloseIdleConnections)
	for host, want := range map[string]int{
		"relay": 200, "127.0.0.1:8082": 200, "box.local.": 200,
		"evil.example": 421, "EVIL.example:80": 421, "relay.evil.example": 421,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+address+"/cgi-bin/user/get", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("X-Forwarded-Host", "relay") // counts for nothing
		res, err := client.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.ProtoMajor != 2 || res.StatusCode != want {
			t.Errorf(":authority %s = %s %d, want HTTP/2 and %d", host, res.Proto, res.StatusCode, want)
		}
	}
}

// A request that is both from a browser and for an unknown host gets 421, and one
// for a path that the relay does not forward says no more than that.
func TestRelayRefusesTheHostFirst(t *testing.T) {
	t.Parallel()
	address, wx := newHostLab(t)
	for request, want := range map[string]int{
		"GET /cgi-bin/user/get HTTP/1.1\r\nHost: evil.example\r\nUser-Agent: Mozilla/5.0\r\nOrigin: http://evil.example": 421,
		"GET /x HTTP/1.1\r\nHost: evil.example":                                    421,
		"GET /x HTTP/1.1\r\nHost: relay":                                           403,
		"GET /cgi-bin/user/get HTTP/1.1\r\nHost: relay\r\nUser-Agent: Mozilla/5.0": 403,
	} {
		if got, body := exchangeRaw(t, address, request+"\r\nConnection: close\r\n\r\n"); got != want {
			t.Errorf("%q = %d %s, want %d", request, got, body, want)
		}
	}
	if n := len(wx.Requests()); n != 0 {
		t.Errorf("%d calls of WeChat, want none", n)
	}
}
