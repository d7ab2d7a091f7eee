package wechattest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	maxHops      = 20
	maxPageBytes = 16 << 20
	abortAfter   = 50 * time.Millisecond
)

// Browser is one visitor's in-app browser, for tests of a site's login. It keeps
// cookies, follows redirects one by one and can misbehave as real clients do. The
// zero value is WeChat on Android, used by the visitor who holds the phone. Set the
// fields before the first use; a Browser is not safe for concurrent use.
type Browser struct {
	Visitor   string            // id of the visitor; empty: who holds the phone
	Answer    Answer            // to the authorize page; empty: the emulator's
	UserAgent string            // default AgentAndroid
	Transport http.RoundTripper // default http.DefaultTransport
	Jar       http.CookieJar    // default: an empty one
	Quirks    Quirks            // may be changed between pages

	page     *Page
	callback *url.URL // the latest address to which the emulator redirected
}

// Quirks are what in-app browsers have been seen to do when WeChat sends the
// visitor back to the site's callback.
type Quirks struct {
	// Double opens the callback twice at the same time and shows the first
	// response.
	Double bool
	// DoubleAfter, with Double, starts the second request so much later and
	// shows its response.
	DoubleAfter time.Duration
	// AbortFirst, with Double, aborts the first request when the second starts,
	// by default after 50 ms, and shows the second response.
	AbortFirst bool

	CrawlBefore bool // a crawler without cookies opens the callback before the visitor
	CrawlAfter  bool // a crawler without cookies opens the callback after the visitor
	LoseCookies bool // the browser loses its cookies before it comes back
	Elsewhere   bool // another browser, without cookies, opens the callback; this one keeps its own
	MangleState bool // text is added to the end of the state
}

// Page is the page that the browser shows.
type Page struct {
	URL    *url.URL // with the fragment, which browsers keep across redirects
	Status int
	Header http.Header
	Body   string // at most 16 MiB
	Hops   []Hop  // every address on the way, this one last
}

// Hop is one response on the way to a page.
type Hop struct {
	URL    *url.URL
	Status int
}

// Open navigates to an address and follows at most 20 redirects. An error means
// that an address did not respond or the redirects did not end; the page then has
// the hops so far.
func (b *Browser) Open(ctx context.Context, address string) (*Page, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("open page: %w", err)
	}
	return b.navigate(ctx, u)
}

// Reload opens the current page again.
func (b *Browser) Reload(ctx context.Context) (*Page, error) {
	if b.page == nil {
		return nil, errors.New("reload: no page is open")
	}
	return b.navigate(ctx, b.page.URL)
}

// Back opens the last callback again, with its used code: the back button of the
// page after a login has been seen to lead there.
func (b *Browser) Back(ctx context.Context) (*Page, error) {
	if b.callback == nil {
		return nil, errors.New("go back: no callback was opened")
	}
	return b.navigate(ctx, b.callback)
}

// Do sends one request with the browser's cookies and User-Agent and keeps the
// cookies of the response. Redirects are not followed.
func (b *Browser) Do(req *http.Request) (*http.Response, error) {
	if b.Jar == nil {
		b.Jar = newJar()
	}
	return b.send(req, b.Jar)
}

func newJar() http.CookieJar {
	jar, _ := cookiejar.New(nil) // never fails
	return jar
}

func (b *Browser) send(req *http.Request, jar http.CookieJar) (*http.Response, error) {
	req.Header.Set("User-Agent", cmp.Or(b.UserAgent, AgentAndroid))
	for _, cookie := range jar.Cookies(req.URL) {
		req.AddCookie(cookie)
	}
	res, err := cmp.Or(b.Transport, http.DefaultTransport).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	jar.SetCookies(req.URL, res.Cookies())
	return res, nil
}

// fetched is the response to a navigation, with its whole body.
type fetched struct {
	status int
	header http.Header
	body   []byte
}

func (b *Browser) get(ctx context.Context, u *url.URL, jar http.CookieJar) (*fetched, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	req.Header.Set("Accept-Language", "zh-CN,zh;q=0.9")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if fromWeChat(u) {
		if b.Visitor != "" {
			req.Header.Set(VisitorHeader, b.Visitor)
		}
		if b.Answer != "" {
			req.Header.Set(AnswerHeader, string(b.Answer))
		}
	}
	res, err := b.send(req, jar)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPageBytes))
	if err != nil {
		return nil, err
	}
	return &fetched{res.StatusCode, res.Header, body}, nil
}

// fromWeChat reports whether an address is one of the emulator's pages, or else
// one of the site's.
func fromWeChat(u *url.URL) bool { return strings.HasPrefix(u.Path, "/connect/") }

func (b *Browser) navigate(ctx context.Context, u *url.URL) (*Page, error) {
	if b.Jar == nil {
		b.Jar = newJar()
	}
	jar := b.Jar
	page := &Page{}
	callback, repeat := false, false
	for range maxHops {
		var got *fetched
		var err error
		if callback {
			u, jar = b.comeBack(u)
			got, err = b.openCallback(ctx, u, jar, repeat)
		} else {
			got, err = b.get(ctx, u, jar)
		}
		if err != nil {
			return page, fmt.Errorf("open page: %w", err)
		}
		page.Hops = append(page.Hops, Hop{u, got.status})
		location := got.header.Get("Location")
		if got.status < 300 || got.status > 399 || location == "" {
			page.URL, page.Status, page.Header, page.Body = u, got.status, got.header, string(got.body)
			b.page = page
			return page, nil
		}
		next, err := u.Parse(location)
		if err != nil {
			return page, fmt.Errorf("follow redirect: %w", err)
		}
		if !strings.Contains(location, "#") {
			next.Fragment, next.RawFragment = u.Fragment, u.RawFragment
		}
		callback, repeat = fromWeChat(u) && !fromWeChat(next), got.header.Get(RepeatHeader) != ""
		u = next
	}
	return page, fmt.Errorf("open page: more than %d redirects", maxHops)
}

// comeBack returns the address of the callback and the cookies to open it with.
func (b *Browser) comeBack(u *url.URL) (*url.URL, http.CookieJar) {
	if b.Quirks.MangleState {
		changed, query := *u, u.Query()
		query.Set("state", query.Get("state")+"https")
		changed.RawQuery = query.Encode()
		u = &changed
	}
	b.callback = u
	switch {
	case b.Quirks.Elsewhere:
		return u, newJar()
	case b.Quirks.LoseCookies:
		b.Jar = newJar()
	}
	return u, b.Jar
}

// openCallback opens the callback as often as the quirks say and returns the
// response to show.
func (b *Browser) openCallback(ctx context.Context, u *url.URL, jar http.CookieJar, repeat bool) (*fetched, error) {
	if b.Quirks.CrawlBefore {
		b.get(ctx, u, newJar()) // the response does not matter
	}
	if b.Quirks.CrawlAfter {
		defer func() { b.get(ctx, u, newJar()) }()
	}
	if !b.Quirks.Double && !repeat {
		return b.get(ctx, u, jar)
	}

	firstCtx, abort := context.WithCancel(ctx)
	defer abort()
	var got [2]*fetched
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { got[0], errs[0] = b.get(firstCtx, u, jar) })
	after := b.Quirks.DoubleAfter
	if b.Quirks.AbortFirst {
		after = cmp.Or(after, abortAfter) // time to send the request
	}
	if after > 0 {
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if b.Quirks.AbortFirst {
		abort()
	}
	both.Go(func() { got[1], errs[1] = b.get(ctx, u, jar) })
	both.Wait()
	if after > 0 {
		return got[1], errs[1]
	}
	return got[0], errs[0]
}
