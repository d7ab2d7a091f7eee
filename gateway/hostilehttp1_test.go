package gateway_test

import (
	"fmt"
	"strings"
)

// end ends the header of the last request.
const end = "Connection: close\r\n\r\n"

// public and orders begin a request for a public path, and a visitor's.
const (
	public = "GET /public/a HTTP/1.1\r\nHost: HOST\r\n"
	orders = "GET /orders HTTP/1.1\r\nHost: HOST\r\nCookie: COOKIE\r\n"
	posted = "POST /public/a HTTP/1.1\r\nHost: HOST\r\n"
)

// hidden stands in a body, inner behind it.
const (
	hidden = "GET /public/hidden HTTP/1.1\r\nHost: h5.example.com\r\n\r\n"
	inner  = "GET /public/inner HTTP/1.1\r\nHost: HOST\r\n" + end
)

var hostileHTTP1 = []hostile{
	// Where does the body end?
	{name: "length and chunks",
		bytes:   posted + "Content-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
		answers: "200 200", saw: []string{"POST /public/a", "GET /public/inner"}},
	{name: "chunks and length",
		bytes:   posted + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + inner,
		answers: "200 200", saw: []string{`POST /public/a with "hello"`, "GET /public/inner"}},
	{name: "request in a body", bytes: public + fmt.Sprintf("Content-Length: %d\r\n", len(hidden)) + end + hidden,
		answers: "200", saw: []string{fmt.Sprintf("GET /public/a with %q", hidden)}},
	{name: "request in a body that is refused",
		bytes:   fmt.Sprintf("POST /orders HTTP/1.1\r\nHost: HOST\r\nContent-Length: %d\r\n\r\n", len(hidden)) + hidden + inner,
		answers: "401 200", saw: []string{"GET /public/inner"}},
	{name: "request in a body of chunks that is refused",
		bytes: "POST /orders HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(hidden), hidden) + inner,
		answers: "401 200", saw: []string{"GET /public/inner"}},
	{name: "two lengths", bytes: posted + "Content-Length: 5\r\nContent-Length: 6\r\n" + end + "hello" + inner,
		answers: "400"},
	{name: "two lengths that agree", bytes: posted + "Content-Length: 5\r\nContent-Length: 5\r\n" + end + "hello",
		answers: "200", saw: []string{`POST /public/a with "hello"`}},
	{name: "two lengths in one", bytes: posted + "Content-Length: 5, 5\r\n" + end + "hello", answers: "400"},
	{name: "length with a sign", bytes: posted + "Content-Length: +5\r\n" + end + "hello", answers: "400"},
	{name: "negative length", bytes: posted + "Content-Length: -1\r\n" + end, answers: "400"},
	{name: "hexadecimal length", bytes: posted + "Content-Length: 0x5\r\n" + end + "hello", answers: "400"},
	{name: "empty length", bytes: posted + "Content-Length:\r\n" + end, answers: "400"},
	{name: "long length", bytes: posted + "Content-Length: 99999999999999999999\r\n" + end, answers: "400"},
	{name: "length with _", bytes: posted + "Content_Length: 60\r\nContent-Length: 5\r\n" + end + "hello",
		answers: "200", saw: []string{`POST /public/a with "hello"`}},
	{name: "length with .", bytes: public + "Content.Length: 60\r\n" + end, answers: "200",
		saw: []string{"GET /public/a"}},
	{name: "chunks with _",
		bytes: posted + "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n" + end + "0\r\n\r\n", answers: "200",
		saw: []string{`POST /public/a with "0\r\n\r\n"`}},
	{name: "chunks in capitals with _", bytes: public + "TRANSFER_ENCODING: chunked\r\n" + end, answers: "200",
		saw: []string{"GET /public/a"}},
	{name: "chunks with a vertical tab", bytes: posted + "Transfer-Encoding: \vchunked\r\n" + end + "0\r\n\r\n",
		answers: "400"},
	{name: "chunks with a space before the colon",
		bytes: posted + "Transfer-Encoding : chunked\r\n" + end + "0\r\n\r\n", answers: "400"},
	{name: "length with a space before the colon", bytes: posted + "Content-Length : 5\r\n" + end + "hello",
		answers: "400"},
	{name: "chunks on the next line", bytes: posted + "Transfer-Encoding:\r\n chunked\r\n" + end + "0\r\n\r\n",
		answers: "200", saw: []string{"POST /public/a"}},
	{name: "two encodings",
		bytes:   posted + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + end + "0\r\n\r\n",
		answers: "501"},
	{name: "encodings in one", bytes: posted + "Transfer-Encoding: gzip, chunked\r\n" + end + "0\r\n\r\n",
		answers: "501"},
	{name: "unknown encoding", bytes: posted + "Transfer-Encoding: xchunked\r\n" + end + "0\r\n\r\n", answers: "501"},
	{name: "identity", bytes: posted + "Transfer-Encoding: identity\r\n" + end + "0\r\n\r\n", answers: "501"},
	{name: "chunks by HTTP/1.0",
		bytes: "POST /public/a HTTP/1.0\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n" + end +
			"hello",
		answers: "200", saw: []string{`POST /public/a with "hello"`}},
	{name: "chunk size with a sign",
		bytes: posted + "Transfer-Encoding: chunked\r\n" + end + "+5\r\nhello\r\n0\r\n\r\n", answers: "400"},
	{name: "chunk extension",
		bytes: posted + "Transfer-Encoding: chunked\r\n" + end + "5;a=\"b\"\r\nhello\r\n0\r\n\r\n", answers: "200",
		saw: []string{`POST /public/a with "hello"`}},
	{name: "chunk without its end",
		bytes: posted + "Transfer-Encoding: chunked\r\n" + end + "5\r\nhelloXX0\r\n\r\n", answers: "400"},
	{name: "GET with a body", bytes: public + "Content-Length: 5\r\n" + end + "hello", answers: "200",
		saw: []string{`GET /public/a with "hello"`}},

	// What is a header?
	{name: "bare LF", bytes: "GET /public/a HTTP/1.1\nHost: HOST\nConnection: close\n\n", answers: "200",
		saw: []string{"GET /public/a"}},
	{name: "bare CR", bytes: public + "X-A: 1\rX-WX-OpenID: forged\r\n" + end, answers: "400"},
	{name: "continued line", bytes: public + "X-A: 1\r\n X-WX-OpenID: forged\r\n" + end, answers: "200",
		saw: []string{"GET /public/a [X-A: 1 X-WX-OpenID: forged]"}},
	{name: "continued first line", bytes: "GET /public/a HTTP/1.1\r\n X-A: 1\r\nHost: HOST\r\n" + end, answers: "400"},
	{name: "space before the colon", bytes: public + "X-WX-OpenID : forged\r\n" + end, answers: "400"},
	{name: "no colon", bytes: public + "X-WX-OpenID\r\n" + end, answers: "400"},
	{name: "no name", bytes: public + ": 1\r\n" + end, answers: "400"},
	{name: "NUL in a name", bytes: public + "X-\x00: 1\r\n" + end, answers: "400"},
	{name: "NUL in a value", bytes: public + "X-A: \x00\r\n" + end, answers: "400"},
	{name: "name not in ASCII", bytes: public + "Coo\u212Aie: COOKIE\r\n" + end, answers: "400"},
	{name: "70 KiB", bytes: public + "X-A: " + strings.Repeat("a", 70<<10) + "\r\n" + end, answers: "431"},
	{name: "two hosts", bytes: public + "Host: evil.example\r\n" + end, answers: "400"},
	{name: "no host", bytes: "GET /public/a HTTP/1.1\r\n" + end, answers: "400"},
	{name: "host with a path", bytes: "GET /public/a HTTP/1.1\r\nHost: HOST/b\r\n" + end, answers: "400"},
	{name: "second host with _", bytes: public + "Host_: evil.example\r\n_Host: evil.example\r\n" + end,
		answers: "200", saw: []string{"GET /public/a"}},
	{name: "connection with _",
		bytes:   public + "Connection_: X-Forwarded-For\r\nProxy_Connection: close\r\nKeep_Alive: 5\r\n" + end,
		answers: "200", saw: []string{"GET /public/a"}},

	// Who is the visitor?
	{name: "identity headers",
		bytes:   public + "X-WX-OpenID: forged\r\nx_wx_openid: forged\r\nX.WX.OpenID: forged\r\nX-WX-New: 1\r\n" + end,
		answers: "200", saw: []string{"GET /public/a"}},
	{name: "identity headers of a visitor", bytes: orders + "X-WX-OpenID: forged\r\nX_WX_UnionID: forged\r\n" + end,
		answers: "200", saw: []string{"GET /orders as the visitor"}},
	{name: "identity in Connection", bytes: orders + "Connection: X-WX-OpenID, X-WX-Source, Cookie\r\n" + end,
		answers: "200", saw: []string{"GET /orders as the visitor"}},
	{name: "identity in trailers",
		bytes: posted + "Trailer: X-WX-OpenID\r\nTransfer-Encoding: chunked\r\n" + end +
			"2\r\nhi\r\n0\r\nX-WX-OpenID: forged\r\nContent_Length: 5\r\n\r\n",
		answers: "200", saw: []string{`POST /public/a with "hi"`}},
	{name: "trailers that are not announced",
		bytes:   posted + "Transfer-Encoding: chunked\r\n" + end + "2\r\nhi\r\n0\r\nX-WX-OpenID: forged\r\n\r\n",
		answers: "200", saw: []string{`POST /public/a with "hi"`}},
	{name: "session with _", bytes: public + "Cookie_: COOKIE\r\n_Cookie: COOKIE\r\nCookie.: COOKIE\r\n" + end,
		answers: "200", saw: []string{"GET /public/a"}},
	{name: "tampered session", bytes: public + "Cookie: COOKIEx\r\n" + end, answers: "200",
		saw: []string{"GET /public/a"}},
	{name: "thousand cookies",
		bytes: public + "Cookie: " + strings.Repeat("__Host-wxgate=x; ", 1000) + "a=1\r\n" + end, answers: "200",
		saw: []string{"GET /public/a [Cookie: a=1]"}},
	{name: "health checker",
		bytes: "GET /orders HTTP/1.1\r\nHost: HOST\r\nUser-Agent: kube-probe/1.31\r\nAccept: application/json\r\n" +
			"X-Forwarded-Uri: /public/a\r\n" + end,
		answers: "401"},

	// Is the path public?
	{name: "dots", bytes: "GET /public/../orders HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "302"},
	{name: "encoded dots", bytes: "POST /public/%2e%2e/orders HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "encoded slash", bytes: "POST /public/..%2forders HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "encoded percent sign", bytes: "POST /public/%252e%252e/orders HTTP/1.1\r\nHost: HOST\r\n" + end,
		answers: "401"},
	{name: "backslash", bytes: "POST /public/..\\orders HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "parameter", bytes: "POST /public/..;/orders HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "two slashes", bytes: "POST //public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "overlong UTF-8", bytes: "POST /public/%c0%ae%c0%ae/orders HTTP/1.1\r\nHost: HOST\r\n" + end,
		answers: "401"},
	{name: "NUL", bytes: "POST /public/%00/../orders HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "public query", bytes: "POST /orders?/public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "fragment", bytes: "POST /orders#/public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "bad encoding", bytes: "GET /public/% HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "400"},
	{name: "absolute address", bytes: "GET http://HOST/public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "200",
		saw: []string{"GET /public/a"}},
	{name: "absolute address of a private path",
		bytes: "POST http://public/orders HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "401"},
	{name: "asterisk", bytes: "OPTIONS * HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "400"},
	{name: "no slash", bytes: "GET public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "400"},

	// Which method and protocol?
	{name: "method that is no token", bytes: "G(T /public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "400"},
	{name: "method not in ASCII", bytes: "GÉT /public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "400"},
	{name: "no method", bytes: " /public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "400"},
	{name: "method in lower case", bytes: "get /public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "200",
		saw: []string{"get /public/a"}},
	{name: "CONNECT", bytes: "CONNECT HOST:443 HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "405"},
	{name: "TRACE", bytes: "TRACE /public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "405"},
	{name: "HTTP/0.9", bytes: "GET /public/a\r\n" + end, answers: "400"},
	{name: "HTTP/3.0", bytes: "GET /public/a HTTP/3.0\r\nHost: HOST\r\n" + end, answers: "505"},
	{name: "two spaces", bytes: "GET  /public/a HTTP/1.1\r\nHost: HOST\r\n" + end, answers: "400"},
	{name: "h2c",
		bytes: public + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n" +
			"Connection: Upgrade, HTTP2-Settings, close\r\n\r\n",
		answers: "200", saw: []string{"GET /public/a"}},
	{name: "h2c with _", bytes: public + "Upgrade_: h2c\r\n_Upgrade: h2c\r\n" + end, answers: "200",
		saw: []string{"GET /public/a"}},
	{name: "h2c behind WebSocket",
		bytes: public + "Upgrade: websocket\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n", answers: "200",
		saw: []string{"GET /public/a"}},
	{name: "Expect that is unknown", bytes: posted + "Expect: 200-ok\r\nContent-Length: 5\r\n" + end + "hello",
		answers: "417"},
}
