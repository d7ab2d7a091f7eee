package main

import (
	"bytes"
	"fmt"
	"strings"
)

// common are the header lines of every request: about as many as WeChat's browser
// sends.
const common = "User-Agent: Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 MicroMessenger/8.0.50\r\n" +
	"Accept: */*\r\n" +
	"Accept-Language: zh-CN,zh;q=0.9\r\n" +
	"Sec-Fetch-Mode: cors\r\n"

// request returns the bytes of a request. The lines are further header lines.
func (s *server) request(method, path, body string, lines ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s%s HTTP/1.1\r\nHost: %s\r\n%s%s", method, s.path, path, s.host, common, s.header)
	for _, line := range lines {
		b.WriteString(line)
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// length is the header line of a body's length.
func length(body string) string { return fmt.Sprintf("Content-Length: %d\r\n", len(body)) }

// chunks returns a body of n bytes in two chunks.
func chunks(n int) string {
	half := strings.Repeat("x", n/2)
	return fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", len(half), half, len(half), half)
}
