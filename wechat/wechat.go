// Package wechat is a client of WeChat's API for the web pages of an official
// account (H5). It builds the address of the authorize page and exchanges the
// code that comes back for the visitor's openid. With the account's global
// access token, which a [TokenSource] keeps fresh, it lists followers and signs
// pages for the JS-SDK.
//
//	c := &wechat.Client{AppID: id, AppSecret: secret}
//	http.Redirect(w, r, c.AuthorizeURL(wechat.Authorize{RedirectURI: callback, State: state}), http.StatusFound)
//	…
//	grant, err := c.Exchange(r.Context(), r.FormValue("code"))
//
// Every call ends in one of three ways: a result; an [*Error], when WeChat
// refused the call with an errcode; or another error, when WeChat could not be
// reached or its response was not usable. No error text contains the AppSecret,
// or a code, token or openid of the failed call.
//
// A call in whose context a span of OpenTelemetry is recorded adds a span of its own.
//
// The flow is described in [WeChat's web authorization guide]. The exported API
// is stable, in the sense that package gateway defines.
//
// [WeChat's web authorization guide]: https://developers.weixin.qq.com/doc/service/guide/h5/auth.html
package wechat

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	defaultAPIURL  = "https://api.weixin.qq.com"
	defaultOpenURL = "https://open.weixin.qq.com"
	defaultTimeout = 5 * time.Second

	maxBodyBytes = 1 << 20 // of a response, after decompression
)

// Client calls WeChat's API for one account. The zero value of every field but
// AppID and AppSecret is useful. Set the fields before the first call and do not
// change them afterwards; a Client is then safe for concurrent use. It must not
// be copied after its first call. It starts no goroutine and caches nothing.
type Client struct {
	AppID     string        // the account's AppID
	AppSecret Secret        // its AppSecret; sent to APIURL only
	APIURL    string        // server of the API; default https://api.weixin.qq.com
	OpenURL   string        // server of the authorize page; default https://open.weixin.qq.com
	Timeout   time.Duration // of one call, including the response body; default 5s

	// Transport makes the requests. The default uses the proxy of the
	// environment and HTTP/1.1, keeps up to 64 idle connections for 30 seconds
	// and does not limit open ones. Redirects are never followed.
	Transport http.RoundTripper

	// Observe, if set, is called after every call with its path, such as
	// "sns/oauth2/access_token", the error that the caller gets (see [Result])
	// and the time it took. It runs in the caller's goroutine, so it may run
	// concurrently. Its ctx has the values of the call's, and the call's own span if
	// the call is traced.
	Observe func(ctx context.Context, api string, err error, elapsed time.Duration)

	transportOnce    sync.Once
	defaultTransport *http.Transport
}

// Format implements [fmt.Formatter] with the AppID only: fmt would print the
// AppSecret behind a pointer in a larger struct.
func (c *Client) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "wechat.Client(%s)", c.AppID)
}

// A request is one call of the API.
type request struct {
	api   string   // path, without the leading slash
	query string   // as built by query
	body  any      // sent as JSON by POST; nil: a GET
	once  bool     // must not be sent twice, even over a broken connection
	hide  []string // removed from error texts, in addition to the AppSecret
}

// call sends req and decodes WeChat's response.
func (c *Client) call(ctx context.Context, req request, into response) (err error) {
	ctx, span := startSpan(ctx, req)
	if span != nil {
		defer func() { endSpan(span, err) }()
	}
	if c.Observe != nil {
		start, observed := time.Now(), ctx
		defer func() { c.Observe(observed, req.api, err, time.Since(start)) }()
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, defaultTimeout))
	defer cancel()

	status, body, err := c.send(ctx, req)
	if err == nil {
		err = decode(status, body, into)
	}
	return c.seal(req, err)
}

// send sends req and reads the whole response.
func (c *Client) send(ctx context.Context, req request) (status int, body []byte, err error) {
	r, err := c.httpRequest(ctx, req)
	if err != nil {
		return 0, nil, err
	}
	// Not an http.Client: it would follow redirects, which sends the secret to
	// another server, and put the address into its errors.
	resp, err := c.transport().RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxBodyBytes+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read response (status %d): %w", resp.StatusCode, err)
	}
	if len(body) > maxBodyBytes {
		return 0, nil, fmt.Errorf("response (status %d) is over %d bytes", resp.StatusCode, maxBodyBytes)
	}
	return resp.StatusCode, body, nil
}

func (c *Client) httpRequest(ctx context.Context, req request) (*http.Request, error) {
	method, content := http.MethodGet, io.Reader(nil)
	switch {
	case req.body != nil:
		b, err := json.Marshal(req.body)
		if err != nil {
			return nil, err
		}
		method, content = http.MethodPost, bytes.NewReader(b)
	case req.once:
		// net/http repeats a GET when a kept-alive connection breaks before the
		// response, but WeChat may have used up the code by then. It does not
		// repeat a request whose body cannot be read again, for any method and
		// HTTP version. This body is empty, so HTTP/1.1 sends nothing for it.
		content = io.NopCloser(strings.NewReader(""))
	}
	address := strings.TrimRight(cmp.Or(c.APIURL, defaultAPIURL), "/") + "/" + req.api
	if req.query != "" {
		address += "?" + req.query
	}
	r, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, err
	}
	if req.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}
