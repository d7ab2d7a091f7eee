package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/coder/websocket"
)

const (
	zeroBytes        = 1 << 20
	webSocketMaximum = 64 << 10
)

// zeros is what bodies are made of. Nobody writes to it.
var zeros [zeroBytes]byte

// newUpstream returns the site behind all proxies. Each path may have /public before it.
//
//	/bytes/N    N bytes, with Content-Length
//	/chunked/N  N bytes, chunked
//	/ranges/N   N bytes, or the range of them that the request names
//	/echo       a WebSocket that sends back each message
//
// It reads the body of a request before it responds, and sends back the header
// X-WX-OpenID as X-Bench-OpenID, so that the client can tell that the upstream got it.
func newUpstream() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n := amount(r)
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		writeZeros(w, n)
	})
	mux.HandleFunc("/chunked/{n}", func(w http.ResponseWriter, r *http.Request) {
		writeZeros(w, amount(r))
		http.NewResponseController(w).Flush()
	})
	mux.HandleFunc("/ranges/{n}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(zeros[:min(amount(r), zeroBytes)]))
	})
	mux.HandleFunc("/echo", echo)
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {}) // where the login ends
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, fmt.Sprintf("read body: %v", err), http.StatusBadRequest)
			return
		}
		h := w.Header()
		h["Content-Type"] = []string{"application/octet-stream"}
		if openID := r.Header["X-Wx-Openid"]; len(openID) > 0 {
			h["X-Bench-Openid"] = openID
		}
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/public")
		mux.ServeHTTP(w, r)
	})
}

// amount returns the number at the end of the path; 0 if it is none.
func amount(r *http.Request) int64 {
	n, _ := strconv.ParseInt(r.PathValue("n"), 10, 64)
	return max(n, 0)
}

func writeZeros(w io.Writer, n int64) {
	for n > 0 {
		written, err := w.Write(zeros[:min(n, zeroBytes)])
		if err != nil {
			return // the client has left
		}
		n -= int64(written)
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has responded
	}
	defer conn.CloseNow()
	conn.SetReadLimit(webSocketMaximum)
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
