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

// Browser is one visitor's in-app browser, for tests of a site's login: it has
// cookies, follows redirects one by one and can misbehave as real clients do.
// The zero value is WeChat on Android in the hands of whoever holds the phone.
// Its fields are set before first use; it is one visitor's and not for
// concurrent use.
type Browser struct {
	Visitor   string            // id of the visitor; empty: whoever holds the phone
	Answer    Answer            // to the authorize page; empty: the emulator's
	UserAgent string            // default AgentAndroid
	Transport http.RoundTripper // default http.DefaultTransport
	Jar       http.CookieJar    // default: an empty one
	Quirks    Quirks            // may be changed between pages

	page     *Page
	callback *url.URL // the last one that WeChat's side redirected to
}

// Quirks are what in-app browsers have been seen to do when WeChat sends the
// visitor back to the site's callback.
type Quirks struct {
	Double      bool          // the callback is opened twice, at the same instant; the first answer shows
	DoubleAfter time.Duration // with Double: the second begins so much later, and its answer shows
	AbortFirst  bool          // with Double: the first is abandoned as the second begins (default after 50 ms), whose answer shows
	CrawlBefore bool          // a crawler without cookies opens the callback before the visitor
	CrawlAfter  bool          // the same after the visitor
	LoseCookies bool          // cookies were lost between leaving and return
	Elsewhere   bool          // another browser, without cookies, opens the callback; this one keeps its own
	MangleState bool          // text is added to the end of the state
}

// Page is where the browser arrived.
type Page struct {
	URL    *url.URL // with the fragment, which redirects hand on as browsers do
	Status int
	Header http.Header
	Body   string // at most 16 MiB
	Hops   []Hop  // every address on the way, this one last
}

// Hop is one answer on the way to a page.
type Hop struct {
	URL    *url.URL
	Status int
}

// Open navigates to an address and follows redirects, 20 at most. An error
// means that an address did not answer or the redirects did not end; the page
// has the hops until then.
func (b *Browser) Open(ctx context.Context, address string) (*Page, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("open page: %w", err)
	}
	return b.navigate(ctx, u)
}

// Reload opens the present page again.
func (b *Browser) Reload(ctx context.Context) (*Page, error) {
	if b.page == nil {
		return nil, errors.New("reload: no page is open")
	}
	return b.navigate(ctx, b.page.URL)
}

// Back opens the last callback again, with its used code: this is where the
// back button of the page behind a login has been seen to lead.
func (b *Browser) Back(ctx context.Context) (*Page, error) {
	if b.callback == nil {
		return nil, errors.New("go back: there was no callback")
	}
	return b.navigate(ctx, b.callback)
}

// Do sends one request with the browser's cookies and User-Agent and keeps the
// cookies of the answer. Redirects are not followed.
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

// arrival is an answer to a navigation, read to its end.
type arrival struct {
	status int
	header http.Header
	body   []byte
}

func (b *Browser) get(ctx context.Context, u *url.URL, jar http.CookieJar) (*arrival, error) {
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
	return &arrival{res.StatusCode, res.Header, body}, nil
}

// fromWeChat tells the emulator's pages from the site's.
func fromWeChat(u *url.URL) bool { return strings.HasPrefix(u.Path, "/connect/") }

func (b *Browser) navigate(ctx context.Context, u *url.URL) (*Page, error) {
	if b.Jar == nil {
		b.Jar = newJar()
	}
	jar := b.Jar
	page := &Page{}
	callback, repeat := false, false
	for range maxHops {
		var got *arrival
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

// comeBack is the callback's address and the cookies with which it is opened.
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

// openCallback opens the callback as often as the quirks say and gives the
// answer that shows.
func (b *Browser) openCallback(ctx context.Context, u *url.URL, jar http.CookieJar, repeat bool) (*arrival, error) {
	if b.Quirks.CrawlBefore {
		b.get(ctx, u, newJar()) // nobody looks at what a crawler gets
	}
	if b.Quirks.CrawlAfter {
		defer func() { b.get(ctx, u, newJar()) }()
	}
	if !b.Quirks.Double && !repeat {
		return b.get(ctx, u, jar)
	}

	firstCtx, abort := context.WithCancel(ctx)
	defer abort()
	var got [2]*arrival
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { got[0], errs[0] = b.get(firstCtx, u, jar) })
	after := b.Quirks.DoubleAfter
	if b.Quirks.AbortFirst {
		after = cmp.Or(after, abortAfter) // else it might never be sent
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
