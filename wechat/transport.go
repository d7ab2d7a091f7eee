package wechat

import (
	"cmp"
	"net"
	"net/http"
	"time"
)

const (
	maxIdleConns = 64
	// Short, so that we and not WeChat close an idle connection: a call that is
	// made once fails on one that the server has given up.
	idleTimeout    = 30 * time.Second
	maxHeaderBytes = 64 << 10 // of an answer
)

// transport is the caller's or, made on first use, the default one.
func (c *Client) transport() http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	c.transportOnce.Do(func() {
		// With HTTP/2 a single dead connection would hold up every login, and
		// the body of a call that is made once would be a frame of its own. Not
		// a clone of http.DefaultTransport: once that one has been used, its
		// clones offer HTTP/2 to the server although it is switched off.
		http1 := new(http.Protocols)
		http1.SetHTTP1(true)
		// A connection is dialed without the call's deadline, since another
		// call may use it.
		timeout := cmp.Or(c.Timeout, defaultTimeout)
		c.defaultTransport = &http.Transport{
			Protocols:              http1,
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
			TLSHandshakeTimeout:    timeout,
			MaxIdleConnsPerHost:    maxIdleConns,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
		}
	})
	return c.defaultTransport
}
