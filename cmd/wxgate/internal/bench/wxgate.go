package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

const (
	cookieName = "wxgate"
	// cookieKey is not secret: everything listens on this machine only.
	cookieKey = "pN1oO8hS8dA0mYb0yQm3V2oXh5m0Jt1mX7f6s2kq9Zc="
	loginPath = "/_wx/login?return_to=/"
	checkPath = "/_wx/auth"
)

// A variant is a wxgate with variables of its own.
type variant struct {
	environ []string
	admit   func(s *server) error // gives the server's requests a session; nil: by a login
	grpc    bool                  // turns on the authorization service
}

// gateways returns a target for each build of wxgate.
func (b *bench) gateways(v variant) (list []target) {
	for _, build := range b.builds {
		list = append(list, b.gateway(build.name, build.path, v))
	}
	return list
}

func (b *bench) gateway(name, program string, v variant) target {
	return target{name, func(ctx context.Context) (*server, error) {
		s, err := b.startGateway(ctx, program, v)
		if err != nil {
			return nil, err
		}
		admit := v.admit
		if admit == nil {
			admit = func(s *server) error { return s.logIn(ctx) }
		}
		if err := admit(s); err != nil {
			s.stop()
			return nil, err
		}
		return s, nil
	}}
}

func (b *bench) startGateway(ctx context.Context, program string, v variant) (*server, error) {
	var addresses [3]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(); err != nil {
			return nil, err
		}
	}
	s := &server{address: addresses[0], host: addresses[0], admin: addresses[1], grpc: addresses[2]}
	environ := append([]string{
		"WXGATE_APP_ID=" + wechattest.StockAppID,
		"WXGATE_APP_SECRET=" + wechattest.StockAppSecret,
		"WXGATE_COOKIE_KEYS=" + cookieKey,
		"WXGATE_UPSTREAM=http://" + b.upstream,
		"WXGATE_PUBLIC_URL=http://" + s.address,
		"WXGATE_PUBLIC_PATHS=/public/",
		"WXGATE_LISTEN=" + s.address,
		"WXGATE_ADMIN_LISTEN=" + s.admin,
		"WXGATE_WECHAT_API_URL=" + b.emulator,
		"WXGATE_WECHAT_OPEN_URL=" + b.emulator,
		"WXGATE_LOGIN_RATE=0",
	}, v.environ...)
	if v.grpc {
		environ = append(environ, "WXGATE_EXTAUTHZ_LISTEN="+s.grpc)
	}
	var err error
	if s.process, err = b.spawn(ctx, "wxgate", program, nil, environ); err != nil {
		return nil, err
	}
	s.pids = []int{s.process.cmd.Process.Pid}
	s.startup, err = s.process.ready(ctx, s.address, s.request("GET", "/public/bytes/1", ""))
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// logIn signs a visitor in through the emulator and gives the cookie to the server's
// requests.
func (s *server) logIn(ctx context.Context) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := wechattest.Browser{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	page, err := browser.Open(ctx, "http://"+s.address+loginPath)
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	session := ""
	for _, c := range jar.Cookies(&url.URL{Scheme: "http", Host: s.address, Path: "/"}) {
		if c.Name == cookieName {
			session = c.Value
		}
	}
	if session == "" || page.Status != http.StatusOK {
		return s.process.failure(fmt.Sprintf("login ended with status %d at %s", page.Status, page.URL.Path))
	}
	s.cookie = cookieLine(session)
	s.openID = page.Header.Get("X-Bench-Openid")
	if s.openID == "" {
		return errors.New("log in: the upstream did not get X-WX-OpenID")
	}
	return nil
}

// cookieLine is the header line of a visitor who has a session, and a cookie of the
// site.
func cookieLine(session string) string {
	return "Cookie: theme=dark; " + cookieName + "=" + session + "\r\n"
}

// startEmulator starts the emulator of WeChat, a command of the first build.
func (b *bench) startEmulator(ctx context.Context) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p, err := b.spawn(ctx, "emulator", b.builds[0].path, []string{"emulator", "--listen", address}, nil)
	if err != nil {
		return nil, err
	}
	request := strings.ReplaceAll("GET / HTTP/1.1\nHost: "+address+"\n\n", "\n", "\r\n")
	if _, err := p.ready(ctx, address, []byte(request)); err != nil {
		p.stop()
		return nil, err
	}
	b.emulator = "http://" + address
	return p, nil
}
