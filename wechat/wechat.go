// Package wechat is a client of WeChat's API for the web pages of an official
// account (H5): it builds the address at which a visitor grants access and trades
// the code that comes back for the visitor's openid. With the account's own
// access token, kept fresh by a [TokenSource], it lists followers and signs pages
// for the JS-SDK.
//
//	c := &wechat.Client{AppID: id, AppSecret: secret}
//	http.Redirect(w, r, c.AuthorizeURL(wechat.Authorize{RedirectURI: callback, State: state}), http.StatusFound)
//	…
//	grant, err := c.Exchange(r.Context(), r.FormValue("code"))
//
// Every call ends in one of three ways: an answer; an [*Error], when WeChat
// refused in its own words; or any other error, when WeChat could not be asked
// or its answer made no sense. No error text holds the AppSecret, a code, a
// token or an openid of the call that failed.
//
// The flow is described in [WeChat's web authorization guide].
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

	maxBodyBytes = 1 << 20 // of an answer, after decompression
)

// Client talks to WeChat for one account. The zero value of every field but
// AppID and AppSecret is useful. A Client is safe for concurrent use once its
// fields are set, and must not be copied after its first call. It starts no
// goroutine of its own and caches nothing.
type Client struct {
	AppID     string        // the account's AppID
	AppSecret Secret        // its AppSecret; sent to APIURL alone
	APIURL    string        // server of the API; default https://api.weixin.qq.com
	OpenURL   string        // server of the authorize page; default https://open.weixin.qq.com
	Timeout   time.Duration // of one call, from first byte to last; default 5s

	// Transport makes the requests. The default uses the proxy of the
	// environment and HTTP/1.1, keeps up to 64 idle connections for 30 seconds
	// and sets no limit to open ones. Redirects are never followed.
	Transport http.RoundTripper

	// Observe, if set, is told of every call after its end: api is the path,
	// such as "sns/oauth2/access_token", err what the caller gets. It is called
	// from the caller's goroutine and may run concurrently.
	Observe func(api string, err error, elapsed time.Duration)

	transportOnce    sync.Once
	defaultTransport *http.Transport
}

// A request is one call of the API.
type request struct {
	api   string   // path, without the leading slash
	query string   // as made by query
	body  any      // sent as JSON by POST; nil: a GET
	once  bool     // WeChat must never see it twice
	hide  []string // what no error text may show, beside the AppSecret
}

// An answer is what a successful call decodes into.
type answer interface {
	check() error // says what is missing or unusable
}

// call makes req and decodes WeChat's answer.
func (c *Client) call(ctx context.Context, req request, into answer) (err error) {
	if c.Observe != nil {
		start := time.Now()
		defer func() { c.Observe(req.api, err, time.Since(start)) }()
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(c.Timeout, defaultTimeout))
	defer cancel()

	status, body, err := c.send(ctx, req)
	if err == nil {
		err = decode(status, body, into)
	}
	return c.seal(req, err)
}

// send makes req and reads the whole answer.
func (c *Client) send(ctx context.Context, req request) (status int, body []byte, err error) {
	method, content := http.MethodGet, io.Reader(nil)
	switch {
	case req.body != nil:
		b, err := json.Marshal(req.body)
		if err != nil {
			return 0, nil, err
		}
		method, content = http.MethodPost, bytes.NewReader(b)
	case req.once:
		// net/http sends a GET again by itself when a connection that it kept
		// alive breaks before the answer, although WeChat may have used up the
		// code by then. It does not repeat a request whose body it cannot read
		// a second time, whichever the method and HTTP version. This body is
		// empty, so over HTTP/1.1 nothing of it is on the wire.
		content = io.NopCloser(strings.NewReader(""))
	}
	address := strings.TrimRight(cmp.Or(c.APIURL, defaultAPIURL), "/") + "/" + req.api
	if req.query != "" {
		address += "?" + req.query
	}
	r, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return 0, nil, err
	}
	if req.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	// Not an http.Client: it would follow redirects, which hands the secret to
	// whoever answers, and put the address into its errors.
	resp, err := c.transport().RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxBodyBytes+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer (status %d): %w", resp.StatusCode, err)
	}
	if len(body) > maxBodyBytes {
		return 0, nil, fmt.Errorf("answer (status %d) is over %d bytes", resp.StatusCode, maxBodyBytes)
	}
	return resp.StatusCode, body, nil
}
