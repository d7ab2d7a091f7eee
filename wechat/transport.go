package wechat

import (
	"cmp"
	"net"
	"net/http"
	"time"
)

const (
	maxIdleConns = 64
	// Short, so that an idle connection is closed by us and not by WeChat: a
	// call that is sent only once fails if the server has closed its connection.
	idleTimeout    = 30 * time.Second
	maxHeaderBytes = 64 << 10 // of a response
)

// transport is the caller's Transport or the default one, which the first call makes.
func (c *Client) transport() http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	c.transportOnce.Do(func() {
		// With HTTP/2 a single broken connection would delay every login, and
		// the empty body of a call that is sent once would be sent as a frame.
		// Not a clone of http.DefaultTransport: once that has been used, its
		// clones offer HTTP/2 to the server even if it is switched off.
		http1 := new(http.Protocols)
		http1.SetHTTP1(true)
		// Dialing does not end with the call's deadline, since another call may
		// use the connection.
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
