package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A visitor is a person with a browser. Requests may run at the same time.
type visitor struct {
	fleet   *fleet
	id      string
	openID  string
	address string // of the client, as a proxy says; empty: that of the connection

	mu     sync.Mutex
	cookie string // the session's, name and value
}

// newVisitor makes a visitor known to WeChat and to the site.
func (f *fleet) newVisitor(id string) *visitor {
	f.t.Helper()
	if err := f.wx.SetVisitor(wechattest.Visitor{ID: id, Nickname: id}); err != nil {
		f.t.Fatal(err)
	}
	v := &visitor{fleet: f, id: id, openID: f.wx.OpenID(wechattest.StockAppID, id)}
	f.site.knows(id, v.openID)
	return v
}

// page returns the address of a page for this visitor.
func (v *visitor) page(path string) string {
	return v.fleet.origin + path + "?visitor=" + v.id
}

// signIn signs the visitor in, which must succeed.
func (v *visitor) signIn() {
	v.fleet.t.Helper()
	if page, err := v.tryToSignIn(); err != nil || page.Status != http.StatusOK || page.Body != v.openID {
		v.fleet.t.Fatalf("%s: the login ends with %v, %v, want the site", v.id, page, err)
	}
}

// tryToSignIn opens the site as a browser without a session does, and returns the
// page at which the visitor ends up.
func (v *visitor) tryToSignIn() (*wechattest.Page, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	browser := &wechattest.Browser{Visitor: v.id, Transport: from{v.address, v.fleet.transport}, Jar: jar}
	ctx, cancel := context.WithTimeout(v.fleet.t.Context(), patience)
	defer cancel()
	page, err := browser.Open(ctx, v.page("/login"))
	if err != nil {
		return page, err
	}
	u, _ := url.Parse(v.fleet.origin)
	for _, c := range jar.Cookies(u) {
		v.fleet.seen.add(c.Value)
		if isSession(c.Name) {
			v.keep(c)
		}
	}
	return page, nil
}

// from names the client's address in each request, as a proxy does.
type from struct {
	address string
	http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (f from) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.address != "" {
		r = r.Clone(r.Context())
		r.Header.Set("X-Forwarded-For", f.address)
	}
	return f.RoundTripper.RoundTrip(r)
}

// isSession reports whether a cookie by that name is the session's.
func isSession(name string) bool { return strings.TrimPrefix(name, "__Host-") == "wxgate" }

func (v *visitor) keep(c *http.Cookie) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cookie = c.Name + "=" + c.Value
}

func (v *visitor) cookies() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cookie
}

// A visit is one request of a visitor. The zero value gets a page.
type visit struct {
	method string // default GET
	path   string // default /page
	body   string
	script bool   // a script's request instead of a page load
	public bool   // the path needs no session: the site may have been told no visitor
	origin string // default: the fleet's
}

// errCutOff is the error of an answer that ended before it was complete.
var errCutOff = errors.New("cut off")

// visit sends a request with the visitor's cookie and returns what came back, in the
// form of a tally. An error has the details.
func (v *visitor) visit(ctx context.Context, a visit) (result string, err error) {
	req, err := v.request(ctx, a)
	if err != nil {
		return "no request", err
	}
	res, err := v.fleet.transport.RoundTrip(req)
	if err != nil {
		return "no answer", err
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		switch {
		case !isSession(c.Name):
		case c.MaxAge < 0 || c.Value == "":
			return "session deleted", fmt.Errorf("%d with %q", res.StatusCode, c.Name)
		default:
			v.fleet.seen.add(c.Value)
			v.keep(c)
		}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "cut off", fmt.Errorf("%w: %w", errCutOff, err)
	}
	result = strconv.Itoa(res.StatusCode)
	nobody := a.public && len(body) == 0
	if res.StatusCode == http.StatusOK && string(body) != v.openID && !nobody {
		return "another's answer", fmt.Errorf("%s gets %q, want %q", v.id, body, v.openID)
	}
	var refusal struct{ Error string }
	if json.Unmarshal(body, &refusal) == nil && refusal.Error != "" {
		result += " " + refusal.Error
	}
	return result, nil
}

func (v *visitor) request(ctx context.Context, a visit) (*http.Request, error) {
	method, path, address := a.method, a.path, v.page("/page")
	if method == "" {
		method = http.MethodGet
	}
	if path != "" {
		address = v.page(path)
	}
	if a.origin != "" {
		address = a.origin + strings.TrimPrefix(address, v.fleet.origin)
	}
	var body io.Reader
	if a.body != "" {
		body = bytes.NewReader([]byte(a.body))
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", wechattest.AgentAndroid)
	req.Header.Set("Cookie", v.cookies())
	if a.script {
		req.Header.Set("Sec-Fetch-Mode", "cors")
		req.Header.Set("Accept", "application/json")
	} else {
		req.Header.Set("Sec-Fetch-Mode", "navigate")
		req.Header.Set("Accept", "text/html")
	}
	return req, nil
}

// wantSignedIn checks that a gateway knows the visitor.
func (v *visitor) wantSignedIn(g *gateway) {
	v.fleet.t.Helper()
	origin := "http://" + g.address
	if v.fleet.options.tls != nil {
		origin = "https://" + g.address
	}
	req, err := v.request(v.fleet.t.Context(), visit{path: "/_wx/me", origin: origin, script: true})
	if err != nil {
		v.fleet.t.Fatal(err)
	}
	res, err := v.fleet.transport.RoundTrip(req)
	if err != nil {
		v.fleet.t.Errorf("%s asks %s: %v", v.id, g.name, err)
		return
	}
	defer res.Body.Close()
	var me struct{ OpenID string }
	if err := json.NewDecoder(res.Body).Decode(&me); err != nil || res.StatusCode != 200 || me.OpenID != v.openID {
		v.fleet.t.Errorf("%s is no longer signed in at %s: %d %+v, %v", v.id, g.name, res.StatusCode, me, err)
	}
}
