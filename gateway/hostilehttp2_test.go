package gateway_test

import (
	"slices"
	"strings"

	"golang.org/x/net/http2"
)

// pseudo are the pseudo headers of a request for a path.
func pseudo(method, path string, fields ...string) []string {
	return append([]string{":method: " + method, ":scheme: http", ":authority: " + rigHost, ":path: " + path}, fields...)
}

// only is a request without a body.
func only(fields ...string) []frame { return []frame{headers(true, fields...)} }

// publicPath is a request without a body for a public path.
func publicPath(fields ...string) []frame { return only(pseudo("GET", "/public/a", fields...)...) }

// without are the pseudo headers of a public path without one.
func without(name string, fields ...string) []frame {
	return only(slices.DeleteFunc(pseudo("GET", "/public/a", fields...), func(field string) bool {
		return strings.HasPrefix(field, name+":")
	})...)
}

// sawPublic is what the site sees of publicPath.
var sawPublic = []string{"GET /public/a"}

var hostileHTTP2 = []hostile{
	{name: "2: plain", frames: publicPath(), answers: "200", saw: sawPublic},

	// The pseudo headers.
	{name: "2: method that is no token", frames: only(pseudo("G(T", "/public/a")...), answers: "400"},
	{name: "2: method with a space", frames: only(pseudo("GET /public/a HTTP/1.1", "/orders")...), answers: "400"},
	{name: "2: method with a line break", frames: only(pseudo("GET\r\nX-A: 1", "/public/a")...),
		answers: "RST PROTOCOL_ERROR"},
	{name: "2: method with a colon", frames: only(pseudo("GET:", "/public/a")...), answers: "400"},
	{name: "2: method with a tab", frames: only(pseudo("GET\t", "/public/a")...), answers: "400"},
	{name: "2: method not in ASCII", frames: only(pseudo("GÉT", "/public/a")...), answers: "400"},
	{name: "2: method that is no token, forward auth", frames: only(pseudo("G(T", "/_wx/auth/public/a")...),
		answers: "400"},
	{name: "2: method that is no token, login", frames: only(pseudo("G(T", "/_wx/login")...), answers: "400"},
	{name: "2: empty method", frames: only(pseudo("", "/public/a")...), answers: "RST PROTOCOL_ERROR"},
	{name: "2: no method", frames: without(":method"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: two methods", frames: publicPath(":method: POST"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: CONNECT", frames: only(":method: CONNECT", ":authority: "+rigHost+":443"), answers: "405"},
	{name: "2: CONNECT with a path", frames: only(pseudo("CONNECT", "/public/a")...), answers: "RST PROTOCOL_ERROR"},
	{name: "2: extended CONNECT", frames: only(pseudo("CONNECT", "/public/a", ":protocol: websocket")...),
		answers: "RST PROTOCOL_ERROR"},
	{name: "2: TRACE", frames: only(pseudo("TRACE", "/public/a")...), answers: "405"},
	{name: "2: asterisk", frames: only(pseudo("OPTIONS", "*")...), answers: "400"},
	{name: "2: no slash", frames: only(pseudo("GET", "public/a")...), answers: "RST PROTOCOL_ERROR"},
	{name: "2: empty path", frames: only(pseudo("GET", "")...), answers: "RST PROTOCOL_ERROR"},
	{name: "2: no path", frames: without(":path"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: absolute path", frames: only(pseudo("GET", "http://"+rigHost+"/public/a")...), answers: "400"},
	{name: "2: absolute path of another host", frames: only(pseudo("GET", "http://evil.example/public/a")...),
		answers: "400"},
	{name: "2: path with a space", frames: only(pseudo("GET", "/public/a HTTP/1.1")...), answers: "400"},
	{name: "2: query with a space", frames: only(pseudo("GET", "/public/a?b c")...), answers: "400"},
	{name: "2: path with a line break", frames: only(pseudo("GET", "/public/a\r\nX-A: 1")...),
		answers: "RST PROTOCOL_ERROR"},
	{name: "2: path with dots", frames: only(pseudo("POST", "/public/../orders")...), answers: "401"},
	{name: "2: path with a fragment", frames: only(pseudo("POST", "/orders#/public/a")...), answers: "401"},
	{name: "2: two paths", frames: publicPath(":path: /orders"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: unknown scheme",
		frames:  only(":method: GET", ":scheme: ftp", ":authority: "+rigHost, ":path: /public/a"),
		answers: "RST PROTOCOL_ERROR"},
	{name: "2: no scheme", frames: without(":scheme"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: https without TLS",
		frames: only(":method: GET", ":scheme: https", ":authority: "+rigHost, ":path: /public/a"), answers: "200",
		saw: sawPublic},
	{name: "2: host instead of an authority", frames: without(":authority", "host: "+rigHost), answers: "200",
		saw: sawPublic},
	{name: "2: host and authority", frames: publicPath("host: " + rigHost), answers: "200", saw: sawPublic},
	{name: "2: host and another authority", frames: publicPath("host: evil.example"), answers: "400"},
	{name: "2: two hosts", frames: publicPath("host: "+rigHost, "host: "+rigHost), answers: "400"},
	{name: "2: authority with a user",
		frames:  only(":method: GET", ":scheme: http", ":authority: a@"+rigHost, ":path: /public/a"),
		answers: "RST PROTOCOL_ERROR"},
	{name: "2: unknown pseudo header", frames: publicPath(":x-wx-openid: forged"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: pseudo header of an answer", frames: publicPath(":status: 200"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: pseudo header behind a header",
		frames:  only("x-a: 1", ":method: GET", ":scheme: http", ":authority: "+rigHost, ":path: /public/a"),
		answers: "RST PROTOCOL_ERROR"},

	// The headers.
	{name: "2: name in capitals", frames: publicPath("X-WX-OpenID: forged"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: name with a space", frames: publicPath("x-wx-openid : forged"), answers: "RST PROTOCOL_ERROR"},
	{name: "2: value with a line break", frames: publicPath("x-a: 1\r\nX-WX-OpenID: forged"),
		answers: "RST PROTOCOL_ERROR"},
	{name: "2: identity headers",
		frames: publicPath("x-wx-openid: forged", "x_wx_openid: forged", "x.wx.openid: forged"), answers: "200",
		saw: sawPublic},
	{name: "2: disguised headers",
		frames: publicPath("transfer_encoding: chunked", "content_length: 5", "cookie_: a=1", "host_: evil.example",
			"connection_: close"),
		answers: "200", saw: sawPublic},
	{name: "2: connection", frames: publicPath("connection: x-wx-openid"), answers: "400"},
	{name: "2: transfer-encoding", frames: publicPath("transfer-encoding: chunked"), answers: "400"},
	{name: "2: upgrade", frames: publicPath("upgrade: h2c"), answers: "400"},
	{name: "2: keep-alive", frames: publicPath("keep-alive: 5"), answers: "400"},
	{name: "2: proxy-connection", frames: publicPath("proxy-connection: close"), answers: "400"},
	{name: "2: te", frames: publicPath("te: gzip"), answers: "400"},
	{name: "2: session in pieces", frames: only(pseudo("GET", "/orders", "cookie: a=1", "cookie: COOKIE")...),
		answers: "200", saw: []string{"GET /orders as the visitor [Cookie: a=1]"}},

	// The body.
	{name: "2: length that is short",
		frames:  []frame{headers(false, pseudo("POST", "/public/a", "content-length: 2")...), data(true, "hello")},
		answers: "RST PROTOCOL_ERROR"},
	{name: "2: two lengths",
		frames: []frame{headers(false, pseudo("POST", "/public/a", "content-length: 5",
			"content-length: 2")...), data(true, "hello")},
		answers: "400"},
	{name: "2: length that is no number",
		frames:  []frame{headers(false, pseudo("POST", "/public/a", "content-length: x")...), data(true, "")},
		answers: "400"},
	{name: "2: length without a body", frames: only(pseudo("POST", "/public/a", "content-length: 5")...),
		answers: "400"},
	{name: "2: body",
		frames:  []frame{headers(false, pseudo("POST", "/public/a")...), data(false, "hel"), data(true, "lo")},
		answers: "200", saw: []string{`POST /public/a with "hello"`}},
	{name: "2: identity in trailers",
		frames: []frame{headers(false, pseudo("POST", "/public/a",
			"trailer: x-wx-openid")...), data(false, "hi"), headers(true, "x-wx-openid: forged")},
		answers: "200", saw: []string{`POST /public/a with "hi"`}},

	// The frames.
	{name: "2: data before the header", frames: []frame{data(true, "hello")}, answers: "GOAWAY PROTOCOL_ERROR"},
	{name: "2: header that does not decode", frames: []frame{func(c *h2Conn) error {
		noBlock := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: noBlock, EndHeaders: true})
	}}, answers: "GOAWAY COMPRESSION_ERROR"},
	{name: "2: data between the parts of a header", frames: []frame{func(c *h2Conn) error {
		return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block("", pseudo("GET", "/public/a")...)})
	}, data(true, "hello")}, answers: "GOAWAY PROTOCOL_ERROR"},
	{name: "2: even stream", frames: []frame{func(c *h2Conn) error {
		fields := block("", pseudo("GET", "/public/a")...)
		return c.WriteHeaders(http2.HeadersFrameParam{StreamID: 2, BlockFragment: fields, EndHeaders: true})
	}}, answers: "GOAWAY PROTOCOL_ERROR"},
	{name: "2: pushed request", frames: []frame{func(c *h2Conn) error {
		fields := block("", pseudo("GET", "/orders")...)
		return c.WritePushPromise(http2.PushPromiseParam{
			StreamID: 1, PromiseID: 2, BlockFragment: fields, EndHeaders: true,
		})
	}}, answers: "GOAWAY PROTOCOL_ERROR"},
	{name: "2: 70 KiB of header", frames: []frame{longHeader(70)}, answers: "431"},
}

// longHeader is a request with n KiB of header, in several frames.
func longHeader(n int) frame {
	return func(c *h2Conn) error {
		rest := block("", pseudo("GET", "/public/a", slices.Repeat([]string{"x-a: " + strings.Repeat("{", 1<<10)}, n)...)...)
		const size = 1 << 10
		err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: rest[:size], EndStream: true})
		for rest = rest[size:]; err == nil && len(rest) > 0; {
			piece := rest[:min(size, len(rest))]
			rest = rest[len(piece):]
			err = c.WriteContinuation(1, len(rest) == 0, piece)
		}
		return err
	}
}
