package gateway_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/wxgate/wxgate/session"
	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

const (
	mixVisitors = 50
	mixRequests = 2000 // of each visitor, half under each store; a tenth unless TEST_REQUIRE_ALL is 1
	mixWorkers  = 4    // of each visitor, at the same time
)

// Identities never mix, with anything happening to other requests at the same time, on the
// same connections, a request reaches the site with its own visitor's openid, and the
// visitor gets the site's answer to it. The test is not parallel: it takes all
// processors.
func TestIdentitiesDoNotMix(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	requests := mixRequests
	if os.Getenv("TEST_REQUIRE_ALL") != "1" {
		requests /= 10
	}
	stores := map[string]func(*testing.T, *testConfig){
		"cookie store": func(*testing.T, *testConfig) {},
		"Redis store": func(t *testing.T, c *testConfig) {
			client := newRedis(t, redistest.Start(t, redistest.Options{Real: true}))
			eventually(t, "redis answers", func() bool { return client.Status().Answered })
			c.Sessions = func(cookies session.Config) (session.Store, error) {
				return client.Sessions(cookies, 10*time.Second)
			}
		},
	}
	for name, use := range stores {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, mixVisitors, func(c *testConfig) { use(t, c) })
			var all sync.WaitGroup
			for i, v := range c.visitors {
				v.login(t.Context(), "")
				for worker := range mixWorkers {
					random := rand.New(rand.NewPCG(uint64(i), uint64(worker)))
					all.Go(func() {
						for range requests / mixWorkers / len(stores) {
							v.act(t.Context(), random)
						}
					})
				}
			}
			all.Wait()
			c.wantAll(requests * mixVisitors / len(stores))
		})
	}
}

// crowdVisitor is a visitor with one session at a time, whom several goroutines play.
type crowdVisitor struct {
	crowd  *crowd
	name   string
	openID string

	mu     sync.Mutex
	cookie string // name and value
}

// current returns the session's cookie.
func (v *crowdVisitor) current() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.cookie
}

// renew replaces a cookie by the one that an answer sets.
func (v *crowdVisitor) renew(former, cookie string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cookie == former {
		v.cookie = cookie
	}
}

// login signs the visitor in if the session with the former cookie is still theirs.
func (v *crowdVisitor) login(ctx context.Context, former string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cookie == former {
		v.cookie = v.crowd.login(ctx, v)
	}
}

// act sends one request, of a kind, over a protocol and with an end that random
// chooses.
func (v *crowdVisitor) act(ctx context.Context, random *rand.Rand) {
	if random.IntN(10) == 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(3000))*time.Microsecond)
		defer cancel()
		ctx = limited
	}
	cookie := v.current()
	var status int
	var err error
	switch n := random.IntN(1000); {
	case n < 3:
		status, err = v.signOut(context.WithoutCancel(ctx), random, cookie)
		v.login(context.WithoutCancel(ctx), cookie)
	case n < 30:
		status, err = v.talk(ctx, random, cookie)
	case n < 80:
		status, err = v.me(ctx, random, cookie)
	case n < 130:
		status, err = v.visit(ctx, random, "/public/nobody/", "", "")
	default:
		status, err = v.visit(ctx, random, "/p/"+v.name+"/", cookie, v.openID)
	}
	if status == http.StatusUnauthorized { // signed out meanwhile, or too busy to renew
		v.login(context.WithoutCancel(ctx), cookie)
	}
	v.crowd.count(status, err, ctx.Err())
}

// request returns a request of a script, some with a forged identity.
func (v *crowdVisitor) request(
	ctx context.Context, random *rand.Rand, method, path, cookie, body string,
) *http.Request {
	r, err := http.NewRequestWithContext(ctx, method, v.crowd.url+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the test's own mistake
	}
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if cookie != "" {
		r.Header.Set("Cookie", "theme=dark; "+cookie)
	}
	if random.IntN(10) == 0 {
		other := v.crowd.visitors[random.IntN(mixVisitors)]
		name := []string{"X-Wx-Openid", "X_WX_OpenID", "x-wx-openid"}[random.IntN(3)]
		r.Header[name] = []string{other.openID}
	}
	return r
}

// send sends a request over HTTP/1.1, HTTP/2 or, most of them since that is fast, to
// the handler itself. It reads the answer and takes over the session cookie in it.
func (v *crowdVisitor) send(r *http.Request, random *rand.Rand, cookie string) (status int, body string, err error) {
	transport := v.crowd.inProcess
	switch random.IntN(8) {
	case 0:
		transport = v.crowd.http1
	case 1:
		transport = v.crowd.http2
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if c.Name == "wxgate" && c.MaxAge >= 0 {
			v.renew(cookie, c.Name+"="+c.Value)
		}
	}
	whole, err := io.ReadAll(res.Body)
	return res.StatusCode, string(whole), err
}

// visit requests something of the site and checks that the answer is to this request.
func (v *crowdVisitor) visit(ctx context.Context, random *rand.Rand, path, cookie, openID string) (int, error) {
	method, nonce := http.MethodGet, fmt.Sprintf("%x", random.Uint64())
	content := ""
	if random.IntN(4) == 0 {
		method, content = http.MethodPost, strings.Repeat(nonce+" ", random.IntN(500))
	}
	if random.IntN(2) == 0 {
		path = "/h2" + path
	}
	r := v.request(ctx, random, method, path+nonce, cookie, content)
	status, body, err := v.send(r, random, cookie)
	if want := siteAnswer(openID, nonce, content); err == nil && status == http.StatusOK && body != want {
		v.crowd.wrong("%s %s: answer %.60q of %d bytes, want %.60q of %d",
			method, path, body, len(body), want, len(want))
	}
	return status, err
}

// me asks the gateway who the visitor is.
func (v *crowdVisitor) me(ctx context.Context, random *rand.Rand, cookie string) (int, error) {
	status, body, err := v.send(v.request(ctx, random, http.MethodGet, "/_wx/me", cookie, ""), random, cookie)
	if err == nil && status == http.StatusOK && !strings.Contains(body, `"openid":"`+v.openID+`"`) {
		v.crowd.wrong("/me of %s = %s, want the openid %s", v.name, body, v.openID)
	}
	return status, err
}

// signOut ends the session.
func (v *crowdVisitor) signOut(ctx context.Context, random *rand.Rand, cookie string) (int, error) {
	status, _, err := v.send(v.request(ctx, random, http.MethodPost, "/_wx/logout", cookie, ""), random, cookie)
	if err == nil && status == http.StatusSeeOther {
		status = http.StatusOK
	}
	return status, err
}

// talk exchanges messages with the site over a WebSocket, which it may break off.
func (v *crowdVisitor) talk(ctx context.Context, random *rand.Rand, cookie string) (int, error) {
	r := v.request(ctx, random, http.MethodGet, "/p/"+v.name+"/ws", cookie, "")
	conn, res, err := websocket.Dial(ctx, r.URL.String(), &websocket.DialOptions{
		HTTPHeader: r.Header, HTTPClient: &http.Client{Transport: v.crowd.http1},
	})
	if err != nil {
		if res != nil && res.StatusCode == http.StatusUnauthorized {
			return res.StatusCode, nil
		}
		return 0, err
	}
	defer conn.CloseNow()
	for range random.IntN(5) {
		nonce := fmt.Sprintf("%x", random.Uint64())
		if err := conn.Write(ctx, websocket.MessageText, []byte(nonce)); err != nil {
			return 0, err
		}
		_, message, err := conn.Read(ctx)
		if err != nil {
			return 0, err
		}
		if want := v.openID + " " + nonce; string(message) != want {
			v.crowd.wrong("WebSocket of %s: message %q, want %q", v.name, message, want)
		}
	}
	if random.IntN(2) == 0 {
		conn.Close(websocket.StatusNormalClosure, "")
	}
	return http.StatusOK, nil
}

// wantAll checks that the requests came through, and that the access lines call each
// visitor by another name.
func (c *crowd) wantAll(requests int) {
	c.t.Helper()
	c.mu.Lock()
	passed, ended := c.ends["passed"], c.ends["broken off"]
	c.t.Logf("%d requests, %d of them reached the site: %v", requests, c.hits.Load(), c.ends)
	c.mu.Unlock()
	if passed < requests/2 || ended < requests/100 {
		c.t.Errorf("of %d requests %d passed and %d were broken off, want most and some", requests, passed, ended)
	}
	eventually(c.t, "there are access lines of each visitor", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.users) == len(c.visitors)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	names := slices.Sorted(maps.Values(c.users))
	if n := len(slices.Compact(names)); n != len(c.visitors) {
		c.t.Errorf("access lines have %d names for %d visitors", n, len(c.visitors))
	}
}

// count counts a request that ended so.
func (c *crowd) count(status int, err, brokenOff error) {
	end := "passed"
	switch {
	case err != nil && brokenOff != nil:
		end = "broken off"
	case err != nil:
		end = err.Error()
	case status != http.StatusOK:
		end = http.StatusText(status)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ends[end]++
}
