package wechattest

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is an emulator that listens on a port, like an httptest.Server.
type Server struct {
	*Emulator
	// URL is the server's origin, such as http://127.0.0.1:45231. It replaces both
	// https://open.weixin.qq.com and https://api.weixin.qq.com.
	URL string

	http    *http.Server
	serving sync.WaitGroup
}

// NewServer starts an emulator with the stock profile on a free port of
// 127.0.0.1. It panics if there is none, as httptest.NewServer does.
func NewServer() *Server {
	s, err := NewServerConfig(Config{})
	if err != nil {
		panic(err)
	}
	return s
}

// NewServerConfig starts an emulator on a free port of 127.0.0.1. An empty
// PublicURL becomes the server's URL. The error says what is wrong with the
// configuration, or why the port cannot be opened.
func NewServerConfig(config Config) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start emulator: %w", err)
	}
	s := &Server{URL: "http://" + listener.Addr().String()}
	if config.PublicURL == "" {
		config.PublicURL = s.URL
	}
	if s.Emulator, err = New(config); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	s.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.serving.Add(1)
			defer s.serving.Done()
			s.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	s.serving.Go(func() { s.http.Serve(listener) })
	return s, nil
}

// Close stops the server. It ends all requests, including those that a [Fault]
// delays, and waits for them.
func (s *Server) Close() {
	s.http.Close()
	s.serving.Wait()
}
