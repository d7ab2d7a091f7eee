package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wxgate/wxgate/gateway/hub"
	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A ticket is good for one login at one site, and nothing else is a ticket.
func TestTicketRefused(t *testing.T) {
	t.Parallel()
	seal := func(t *testing.T, key []byte, site, state string) string {
		tickets, err := hub.New(key)
		if err != nil {
			t.Fatal(err)
		}
		ticket, err := tickets.Seal(site, state, &session.Session{AppID: wechattest.StockAppID, OpenID: "oforged", Scope: "snsapi_base"})
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	for _, tt := range []struct {
		name string
		code func(t *testing.T, w *hubWorld, b *wechattest.Browser, state string) string
	}{
		{"forged", func(*testing.T, *hubWorld, *wechattest.Browser, string) string { return "Zm9yZ2Vk" }},
		{"a code of WeChat's", func(t *testing.T, w *hubWorld, b *wechattest.Browser, _ string) string {
			return queryOf(t, w.redirectTo(b, shop1Origin+"/b", hubOrigin+"/_wx/callback?code=")).Get("code")
		}},
		{"the other site's", func(t *testing.T, w *hubWorld, b *wechattest.Browser, _ string) string {
			return queryOf(t, w.ticketFor(b, w.shop2, "/b")).Get("code")
		}},
		{"the other site's, of this state", func(t *testing.T, _ *hubWorld, _ *wechattest.Browser, state string) string {
			return seal(t, hubKey(), shop2Origin, state)
		}},
		{"of another state", func(t *testing.T, w *hubWorld, b *wechattest.Browser, _ string) string {
			return queryOf(t, w.ticketFor(b, w.shop1, "/b")).Get("code")
		}},
		{"another visitor's", func(t *testing.T, w *hubWorld, _ *wechattest.Browser, _ string) string {
			return queryOf(t, w.ticketFor(w.browser("tom"), w.shop1, "/b")).Get("code")
		}},
		{"of another key", func(t *testing.T, _ *hubWorld, _ *wechattest.Browser, state string) string {
			return seal(t, randomKey('i'), shop1Origin, state)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newHubWorld(t, hubSetup{})
			for range 2 {
				b := w.browser("lihua")
				states := make(map[string]bool)
				at := shop1Origin + "/a?b"
				for range 3 {
					state := queryOf(t, w.redirectTo(b, at, hubLogin)).Get("state")
					states[state] = true
					at = shop1Origin + "/_wx/callback?code=" + tt.code(t, w, b, state) + "&state=" + state
				}
				a := w.shop1.get(b, at)
				wantPage(t, a, 403, headingCodeRefused)
				if len(states) != 3 {
					t.Errorf("%d logins, want 3 under a state each", len(states))
				}
				w.wantNobody(b, w.shop1)
				wantPage(t, w.shop1.get(b, at), 400, headingRestart)
				w.wantSite(w.hub.open(b, button(t, a.body)), w.shop1, "/a?b", "lihua")
			}
			if got := w.shop1.loginCount("code_refused"); got != 6 {
				t.Errorf("refused codes counted = %v, want 6", got)
			}
			// It is the only sign of two different keys.
			if lines := w.shop1.log.level("warn"); len(lines) != 1 || !strings.Contains(lines[0], "WXGATE_HUB_KEY") {
				t.Errorf("warnings %q, want one that names WXGATE_HUB_KEY", lines)
			}
		})
	}
}

// After one or two refused tickets the login is started again, and succeeds.
func TestTicketRefusedOnce(t *testing.T) {
	t.Parallel()
	for times := range 3 {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		at := shop1Origin + "/a?b"
		for range times {
			at = shop1Origin + "/_wx/callback?code=forged&state=" + queryOf(t, w.redirectTo(b, at, hubLogin)).Get("state")
		}
		w.wantSite(w.hub.open(b, at), w.shop1, "/a?b", "lihua")
		w.hub.wantExchanges(1)
		if lines := w.shop1.log.level("warn"); len(lines) != 0 {
			t.Errorf("warnings %q, want none", lines)
		}
	}
}

func TestTicketExpired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		at := shop1Origin + "/a?b"
		for calls := range 3 {
			at = w.redirectTo(b, at, shop1Origin+"/_wx/callback?code=")
			w.hub.wantExchanges(calls + 1)
			time.Sleep(time.Minute + time.Second)
		}
		a := w.shop1.get(b, at)
		wantPage(t, a, 403, headingCodeRefused)
		w.wantNobody(b, w.shop1)

		in59s := w.redirectTo(b, button(t, a.body), shop1Origin+"/_wx/callback?code=")
		time.Sleep(59 * time.Second)
		w.wantSite(w.hub.open(b, in59s), w.shop1, "/a?b", "lihua")
	})
}

// A ticket is of no use in another browser than the one that started the login.
func TestTicketInAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	mallory, victim := w.browser("tom"), w.browser("lihua")
	callback := w.ticketFor(mallory, w.shop1, "/mallory")
	w.shop1.get(victim, "/victim")
	wantPage(t, w.shop1.get(victim, callback), 400, headingRestart)
	wantPage(t, w.shop1.get(w.browser(""), callback), 400, headingNoCookies)
	w.wantNobody(victim, w.shop1)
	w.wantSite(w.hub.open(mallory, callback), w.shop1, "/mallory", "tom")
	wantPage(t, w.shop1.get(victim, callback), 400, headingRestart)

	// The same is true of the hub's callback.
	other := w.browser("tom")
	atHub := w.redirectTo(other, shop1Origin+"/a", hubOrigin+"/_wx/callback?code=")
	wantPage(t, w.hub.get(victim, atHub), 400, headingNoCookies)
	w.hub.wantExchanges(1)
	w.wantSite(w.hub.open(other, atHub), w.shop1, "/a", "tom")
}

// The back button to each callback leads to the page, without a call of WeChat.
func TestHubLoginRepeated(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	atHub := w.redirectTo(b, shop1Origin+"/a?b", hubOrigin+"/_wx/callback?code=")
	atSite := w.redirectTo(b, atHub, shop1Origin+"/_wx/callback?code=")
	for range 2 {
		w.wantSite(w.hub.open(b, atSite), w.shop1, "/a?b", "lihua")
		w.wantSite(w.hub.open(b, atHub), w.shop1, "/a?b", "lihua")
	}
	w.hub.wantExchanges(1)
	if got := w.shop1.loginCount("ok"); got != 1 {
		t.Errorf("logins counted = %v, want 1", got)
	}
	w.shop1.do(b, http.MethodPost, "/_wx/logout", nil)
	for _, address := range []string{atHub, atSite} {
		page := w.hub.open(b, address)
		wantPage(t, answerOf(page), 400, headingRestart)
	}
	w.wantNobody(b, w.shop1)
}

// A callback of the hub whose answer was lost is answered with the ticket again. A
// replica without the exchange sends the visitor back without one, which is not
// counted as declined and shows a button to start again.
func TestHubAnswerLost(t *testing.T) {
	t.Parallel()
	for _, replica := range []bool{false, true} {
		w := newHubWorld(t, hubSetup{})
		b := w.browser("lihua")
		atHub := w.redirectTo(b, shop1Origin+"/a?b", hubOrigin+"/_wx/callback?code=")
		w.redirectTo(b, atHub, shop1Origin)
		if replica {
			w.hub.use(w.hub.replica(w.hub.config()))
		}
		page := w.hub.open(b, atHub)
		w.hub.wantExchanges(1)
		if replica {
			wantPage(t, answerOf(page), 400, headingRestart)
			if got := w.shop1.loginCount("declined"); got != 0 {
				t.Errorf("visitors who declined = %v, want none", got)
			}
			page = w.hub.open(b, button(t, page.Body))
		}
		w.wantSite(page, w.shop1, "/a?b", "lihua")
		w.wantSite(w.hub.open(b, atHub), w.shop1, "/a?b", "lihua")
	}
}

// Callbacks that arrive several times at once, at the hub and at the site, are one
// login.
func TestHubCallbacksAtOnce(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	b := w.browser("lihua")
	w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultSlowHeader, Delay: 100 * time.Millisecond})
	atHub := w.redirectTo(b, shop1Origin+"/a?b", hubOrigin+"/_wx/callback?code=")
	addresses := make([]string, 4)
	var all sync.WaitGroup
	for i := range addresses {
		twin := w.copyOf(b)
		all.Go(func() { addresses[i] = w.hub.get(twin, atHub).location() })
	}
	all.Wait()
	w.hub.wantExchanges(1)
	for _, address := range addresses {
		if !strings.HasPrefix(address, shop1Origin+"/_wx/callback?code=") {
			t.Fatalf("the hub leads to %q, want the site with a ticket", upTo(address, "?"))
		}
		twin := w.copyOf(b)
		all.Go(func() {
			wantRedirect(t, w.shop1.get(twin, address), "/a?b#")
			if got := w.shop1.me(twin).OpenID; got != w.hub.openID("lihua") {
				t.Errorf("/me = %q, want %q", got, w.hub.openID("lihua"))
			}
		})
	}
	all.Wait()
	w.hub.wantExchanges(1)

	crowd := w.browser("tom")
	crowd.Quirks = wechattest.Quirks{Double: true, CrawlBefore: true, CrawlAfter: true}
	w.wantSite(w.hub.open(crowd, shop1Origin+"/c"), w.shop1, "/c", "tom")
	w.hub.wantExchanges(2)
}

// Tickets, states, codes and openids are in no log line and no metric, and in no
// answers but redirects. (loginSite checks that redirects are not stored and pass
// no address on.)
func TestHubSecretsAreNotDisclosed(t *testing.T) {
	t.Parallel()
	w := newHubWorld(t, hubSetup{})
	metrics := map[*loginSite]*prometheus.Registry{w.hub: w.hub.metrics, w.shop1: w.shop1.metrics, w.shop2: w.shop2.metrics}
	b := w.browser("xiaomei")
	callback := w.ticketFor(b, w.shop1, "/a")
	w.shop2.get(b, strings.Replace(callback, "shop1", "shop2", 1))
	w.shop2.get(b, strings.Replace(callback, "shop1.cn/_wx/callback", "shop2.cn/", 1))
	w.shop1.get(w.browser(""), callback)
	w.hub.open(b, callback)
	w.hub.open(b, callback)
	w.hub.open(b, shop2Origin+"/_wx/login?scope=snsapi_userinfo")
	begun := w.shop1.pageConfig(b, "?redirect_uri="+url.QueryEscape(shop1Origin+"/guest"))
	back := queryOf(t, w.redirectTo(b, begun.AuthorizeURL, shop1Origin))
	w.hub.postCode(b, back.Get("code"), back.Get("state"))
	w.shop1.postCode(b, back.Get("code"), back.Get("state"))
	for _, code := range []int{40163, 40029, -1, 40125, 50002} {
		w.wx.Fault(wechattest.Fault{Path: exchangePath, Mode: wechattest.FaultErrcode, Code: code})
		page := w.hub.open(w.browser("lihua"), shop1Origin+"/a")
		w.hub.open(b, page.URL.String())
	}
	w.hub.get(b, hubLogin+"redirect_uri="+url.QueryEscape("https://shop3.cn/?state="+someState)+"&state="+someState)
	for _, site := range []string{shop1Origin, shop2Origin} { // refused tickets at each
		at := site + "/b"
		stranger := w.browser("tom")
		for range 3 {
			state := queryOf(t, w.redirectTo(stranger, at, hubLogin)).Get("state")
			at = site + "/_wx/callback?code=" + queryOf(t, callback).Get("code") + "&state=" + state
		}
		w.hub.get(stranger, at)
	}
	other := w.shop1.config()
	other.Account.AppID = "wx00000000000000ff"
	w.shop1.use(w.shop1.replica(other))
	w.hub.open(w.browser("lihua"), shop1Origin+"/a")

	secrets := map[string]string{someState: "state", string(hubKey()): "hub key"}
	for _, visitor := range wechattest.StockVisitors() {
		secrets[w.hub.openID(visitor.ID)] = "openid"
	}
	for s := range metrics {
		for _, a := range s.answers {
			query := queryOf(t, a.header.Get("Location"))
			for _, name := range []string{"code", "state"} {
				if value := query.Get(name); value != "" {
					secrets[value] = name
				}
			}
			for _, c := range (&http.Response{Header: a.header}).Cookies() {
				if c.Value != "" {
					secrets[c.Value] = "cookie"
				}
			}
		}
	}
	search := newSecretSearch(secrets)
	for s, registry := range metrics {
		for line := range strings.Lines(s.log.String()) {
			search.in(t, "log line of "+s.url, line)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			search.in(t, "metric of "+s.url, family.String())
		}
		for i, a := range s.answers {
			where := fmt.Sprintf("answer %d of %s, %s", i, s.url, a.path)
			switch {
			case a.fromUpstream():
			case strings.HasPrefix(string(a.body), "{"):
				var me meAnswer
				json.Unmarshal(a.body, &me)
				if me.OpenID == "" && a.path != "/_wx/config" {
					search.in(t, where, string(a.body))
				}
			default: // the button of a page holds the site's state
				search.in(t, where, string(a.body), "state")
			}
		}
	}
	for _, s := range []*loginSite{w.hub, w.shop1} {
		if len(s.log.level("warn"))+len(s.log.level("error")) == 0 {
			t.Errorf("%s logged no error: the test checks nothing", s.url)
		}
	}
}
