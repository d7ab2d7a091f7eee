package main

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	const chunked = ok + "Transfer-Encoding: chunked\r\n\r\n"
	tests := []struct {
		name, response string
		want           expected
		fault          string // in the error; "": none
	}{
		{"length", ok + "Content-Length: 2\r\n\r\nhi", expected{status: 200, bytes: 2}, ""},
		{"any length", ok + "content-length: 2\r\n\r\nhi", expected{status: 200, bytes: -1}, ""},
		{"other length", ok + "Content-Length: 2\r\n\r\nhi", expected{status: 200, bytes: 3}, "2 bytes, want 3"},
		{"cut off", ok + "Content-Length: 3\r\n\r\nhi", expected{status: 200, bytes: 3}, "read body"},
		{"negative length", ok + "Content-Length: -1\r\n\r\n", expected{status: 200, bytes: -1}, "no Content-Length"},
		{"no length", ok + "\r\nhi", expected{status: 200, bytes: -1}, "no Content-Length"},
		{"chunked", chunked + "2\r\nhi\r\n0\r\n\r\n", expected{status: 200, bytes: 2}, ""},
		{"trailer", chunked + "0\r\nX: y\r\n\r\n", expected{status: 200}, ""},
		{"cut off in a chunk", chunked + "2\r\nh", expected{status: 200, bytes: -1}, "read body"},
		{"other status", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n",
			expected{status: 200}, "status 302, want 200"},
		{"visitor", ok + "X-Bench-Openid: o1\r\nContent-Length: 0\r\n\r\n",
			expected{status: 200, header: "X-Bench-OpenID", openID: "o1"}, ""},
		{"another visitor", ok + "X-Bench-Openid: o2\r\nContent-Length: 0\r\n\r\n",
			expected{status: 200, header: "X-Bench-OpenID", openID: "o1"}, `"o2"`},
		{"no visitor", ok + "Content-Length: 0\r\n\r\n",
			expected{status: 200, header: "X-Bench-OpenID", openID: "o1"}, "want the visitor"},
		{"nothing", "", expected{status: 200}, "read status"},
		{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", expected{status: 200}, "not HTTP/1"},
		{"long line", ok + "X: " + strings.Repeat("x", 2*readerBytes) + "\r\n", expected{status: 200}, "read header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := bufio.NewReaderSize(strings.NewReader(tt.response), readerBytes)
			err := tt.want.read(r)
			switch {
			case tt.fault == "" && err != nil:
				t.Errorf("read = %v, want none", err)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)):
				t.Errorf("read = %v, want an error with %q", err, tt.fault)
			}
			if rest, _ := io.ReadAll(r); err == nil && len(rest) > 0 {
				t.Errorf("read left %q", rest)
			}
		})
	}
}

// FuzzRead checks that a response that is read leaves those after it: reading the same
// bytes twice in a row succeeds twice.
func FuzzRead(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n")
	want := expected{status: 200, bytes: -1}
	f.Fuzz(func(t *testing.T, response string) {
		counted := strings.NewReader(response)
		one := bufio.NewReaderSize(counted, readerBytes)
		if want.read(one) != nil {
			return
		}
		used := response[:len(response)-counted.Len()-one.Buffered()]
		r := bufio.NewReaderSize(strings.NewReader(used+used), readerBytes)
		for range 2 {
			if err := want.read(r); err != nil {
				t.Fatalf("read %q twice: %v", used, err)
			}
		}
	})
}
