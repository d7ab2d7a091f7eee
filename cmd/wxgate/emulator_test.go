package main_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// The page of a foreign site neither reads nor changes the emulator. SDKs and
// containers reach it by any name, and every site may lead to its pages.
func TestEmulatorRefusesForeignPages(t *testing.T) {
	t.Parallel()
	p := start(t, nil, "emulator", "--listen", "127.0.0.1:0")
	origin := strings.TrimSpace(strings.TrimPrefix(p.line("WeChat emulator: "), "WeChat emulator: "))
	const (
		token = "/cgi-bin/token?grant_type=client_credential&appid=" + wechattest.StockAppID +
			"&secret=" + wechattest.StockAppSecret
		state     = wechattest.ControlPath + "state"
		authorize = "/connect/oauth2/authorize?appid=" + wechattest.StockAppID
		confirm   = "/connect/confirm"
		clear     = wechattest.ControlPath + "requests/clear"
		faults    = wechattest.ControlPath + "faults"
	)
	for _, tt := range []struct {
		method, target, host string
		header               string
		status               int
	}{
		{"GET", state, "", "", 200},
		{"GET", state, "localhost:8081", "", 200},
		{"GET", state, "emulator:8081", "", 200}, // a Docker service
		{"GET", state, "host.docker.internal:8081", "", 200},
		{"GET", state, "wx.test", "", 200},
		{"GET", state, "wx.LOCALHOST.:8081", "", 200},
		{"GET", state, "wechat.dev.svc.cluster.local", "", 200},
		{"GET", state, "evil.example", "", 421},
		{"GET", state, "EVIL.example.:8081", "", 421},
		{"GET", state, "localhost.evil.example", "", 421},
		{"GET", state, ".test", "", 421},
		{"GET", "/%5femulator/state", "evil.example", "", 421},
		{"POST", clear, "", "", 200},
		{"POST", clear, "evil.example", "", 421},
		{"POST", clear, "", "Origin: https://evil.example", 403},
		{"POST", clear, "", "Sec-Fetch-Site: cross-site", 403},
		{"DELETE", faults, "", "", 200},
		{"DELETE", faults, "evil.example", "", 421},
		{"DELETE", faults, "", "Origin: https://evil.example", 403},
		{"DELETE", faults, "", "Sec-Fetch-Site: cross-site", 403},

		{"GET", token, "", "", 200},
		{"GET", token, "api.weixin.qq.com", "User-Agent: Mozilla/5.0 (compatible; MSIE 5.01)", 200}, // by /etc/hosts
		{"GET", token, "wechat.staging.example.com", "", 200},
		{"GET", token, "", "Sec-Fetch-Site: none", 200}, // typed by a person
		{"GET", token, "", "Sec-Fetch-Site: cross-site", 403},
		{"GET", token, "", "Sec-Fetch-Site: same-site", 403},
		{"GET", token, "", "Origin: https://evil.example", 403},
		{"GET", token, "", "Origin: null", 403},
		{"GET", "/sns/userinfo?access_token=x&openid=y", "", "Sec-Fetch-Site: cross-site", 403},
		{"POST", "/cgi-bin/stable_token", "", "Sec-Fetch-Site: cross-site", 403},
		{"POST", "/cgi-bin/stable_token", "", "", 200},

		{"GET", authorize, "", "Sec-Fetch-Site: cross-site", 400}, // the emulator's own error page
		{"GET", authorize, "wechat.staging.example.com", "", 400},
		{"POST", confirm, "", "", 400}, // an unknown page
		{"POST", confirm, "", "Origin: https://evil.example", 403},
		{"POST", confirm, "", "Sec-Fetch-Site: cross-site", 403},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, origin+tt.target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		if name, value, ok := strings.Cut(tt.header, ": "); ok {
			r.Header.Set(name, value)
		}
		res, err := newClient(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != tt.status || strings.Contains(string(body), "evil") {
			t.Errorf("%s %.40s at %q, %q = %d %s, want %d", tt.method, tt.target, tt.host, tt.header,
				res.StatusCode, body, tt.status)
		}
	}
}

// A demo answers to every name of the machine, of a phone's network too.
func TestDemoNames(t *testing.T) {
	t.Parallel()
	_, origin := startDemo(t)
	for host, own := range map[string]bool{
		"localhost:8080": true, "192.168.1.7:8080": true, "mybox.local:8080": true, "shop.test:8080": true,
		"host.docker.internal:8080": true, "LOCALHOST:8080": true,
		"localhost.:8080": false, "evil.example:8080": false, "": true, "evil.example.local.cn": false,
	} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", origin+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Accept", "*/*") // no page that needs a script
		res, err := newClient(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		toWeChat := strings.Contains(res.Header.Get("Location"), "/connect/oauth2/authorize")
		if res.StatusCode != 302 || toWeChat != own {
			t.Errorf("GET / at %q = %d to %s, want the login at this name: %t", host,
				res.StatusCode, res.Header.Get("Location"), own)
		}
	}
}

// The variables of the emulator can be pasted in a shell that has those of another
// configuration: what would be mixed with them is unset.
func TestEmulatorsVariablesCanBePasted(t *testing.T) {
	t.Parallel()
	emulator := start(t, nil, "emulator", "--listen", "127.0.0.1:0")
	emulator.line("export WXGATE_WECHAT_OPEN_URL=")
	_, paste, _ := strings.Cut(emulator.stdout.String(), "\n\n")
	for _, shell := range []string{"sh", "bash", "zsh"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			p := startCommand(t, environment(newUpstream(t, hello),
				"WXGATE_APP_ID=wx0000000000000000", "WXGATE_APP_SECRET", "WXGATE_APP_SECRET_FILE=/nowhere/secret",
				"WXGATE_QR_APP_ID=wx0000000000000001", "WXGATE_QR_APP_SECRET_FILE=/nowhere/secret",
				"WXGATE_OUTSIDE_WECHAT=qrconnect",
				"WXGATE_HUB_URL=https://auth.example.com", "WXGATE_HUB_KEY_FILE=/nowhere/key",
				"WXGATE_WECHAT_API_URL=https://api.weixin.qq.com",
				"WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_0_APP_ID=wx0000000000000002",
				"WXGATE_SITES_11_HOSTS=b.example.com", "WXGATE_SITES_11_APP_SECRET_FILE=/nowhere/secret",
			), []string{program(t, shell), "-ec", paste + "\nwxgate check\necho \"$WXGATE_HUB_URL\" is the hub"})
			if code := p.exit(); code != 0 || p.stderr.String() != "" {
				t.Errorf("exit code %d, stderr %q, want 0 and nothing", code, p.stderr)
			}
			p.line("ok    wechat: AppID, AppSecret and IP allow-list accepted by http://127.0.0.1:")
			p.line("ok    callback: ")
			if text := p.stdout.String(); strings.Contains(text, "FAIL") || !strings.Contains(text, "\n is the hub\n") {
				t.Errorf("check prints\n%s", text)
			}
		})
	}
}
