package redistest

import (
	"crypto/tls"

	"github.com/alicebob/miniredis/v2"
)

// startMini starts miniredis.
func startMini(t TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, options: o, port: claim(t), mini: miniredis.NewMiniRedis()}
	s.mini.RequireAuth(o.Password)
	s.listenMini(t)
	t.Cleanup(s.mini.Close)
	return s
}

func (s *Server) listenMini(t TB) {
	t.Helper()
	var err error
	if s.options.TLS {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(s.options.authority.issue(t)); err == nil {
			err = s.mini.StartAddrTLS(s.Addr(), &tls.Config{Certificates: []tls.Certificate{pair}})
		}
	} else {
		err = s.mini.StartAddr(s.Addr())
	}
	if err != nil {
		t.Fatalf("start miniredis: %v", err)
	}
}

func (s *Server) restartMini(t TB) {
	t.Helper()
	if !s.options.Persist {
		s.mini.FlushAll()
	}
	s.listenMini(t)
}
