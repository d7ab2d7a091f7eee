package main_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// newVisitorAt returns a visitor whose browser finds every host at the address of
// origin, as it finds those under localhost.
func newVisitorAt(t *testing.T, origin string) visitor {
	t.Helper()
	v := newVisitor(t)
	address := strings.TrimPrefix(origin, "http://")
	v.client.Transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	t.Cleanup(v.client.CloseIdleConnections)
	return v
}

// way is the address of one of the demo's other hosts.
func way(origin, name string) string {
	return "http://" + name + ".localhost:" + origin[strings.LastIndex(origin, ":")+1:]
}

func TestDemoFollowGate(t *testing.T) {
	t.Parallel()
	p, origin := startDemo(t)
	follow := way(origin, "follow")
	p.line("Open to followers only: " + follow)
	res, page := newVisitorAt(t, origin).signIn(follow+"/?from=menu", "tom")
	picture := follow + wechattest.ControlPath + "qrcode.svg"
	if res.StatusCode != 403 || !strings.Contains(page, `src="`+picture+`"`) {
		t.Errorf("who does not follow gets %d, want 403 with the picture %s:\n%s", res.StatusCode, picture, page)
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self' data: "+follow) {
		t.Errorf("policy %q does not allow the picture", policy)
	}
	v := newVisitorAt(t, origin)
	if res, svg := v.send(http.MethodGet, picture, nil); res.StatusCode != 200 || res.Header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("picture = %d %.80s", res.StatusCode, svg)
	}
	if res, page := v.signIn(follow+"/?from=menu", "alice"); res.StatusCode != 200 || !strings.Contains(page, openID(t, "alice")) {
		t.Errorf("who follows gets %d, want the site:\n%s", res.StatusCode, page)
	}
}

func TestDemoScanLogin(t *testing.T) {
	t.Parallel()
	p, origin := startDemo(t)
	scan := way(origin, "scan")
	p.line("Scan login: " + scan)
	v := newVisitorAt(t, origin)
	v.userAgent = wechattest.AgentChrome
	res, page := v.signIn(scan+"/?from=menu", "tom")
	if want := openIDAt(t, wechattest.StockWebsiteAppID, "tom"); res.StatusCode != 200 || !strings.Contains(page, want) {
		t.Errorf("who scans gets %d, want the site with %s:\n%s", res.StatusCode, want, page)
	}
	if res, page := newVisitorAt(t, origin).signIn(scan, "tom"); res.StatusCode != 200 || !strings.Contains(page, openID(t, "tom")) {
		t.Errorf("in WeChat gets %d, want the site with the account's openid:\n%s", res.StatusCode, page)
	}
}

// The picture of a visitor is at the host of their browser, so that it shows on a phone.
func TestDemoPicture(t *testing.T) {
	t.Parallel()
	_, origin := startDemo(t)
	phone := strings.Replace(origin, "127.0.0.1", "phone.test", 1)
	v := newVisitorAt(t, origin)
	_, page := v.signIn(phone+"/_wx/login?scope=snsapi_userinfo", "tom")
	if want := `src="` + phone + `/mmopen/tom/132"`; !strings.Contains(page, want) {
		t.Errorf("page lacks %s:\n%s", want, page)
	}
}
