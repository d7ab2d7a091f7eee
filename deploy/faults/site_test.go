package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A site is the upstream of the gateways. The query of each request names its
// visitor, so that the site sees whether the gateway has named the same.
type site struct {
	address string
	behave  atomic.Pointer[http.HandlerFunc] // instead of the usual answer; nil: that answer

	mu      sync.Mutex
	openIDs map[string]string // of each visitor
	visits  int
	faults  []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{openIDs: map[string]string{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.address = strings.TrimPrefix(server.URL, "http://")
	return s
}

// knows tells the site a visitor's openid.
func (s *site) knows(visitor, openID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openIDs[visitor] = openID
}

// ServeHTTP answers with the openid that the gateway has named.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.check(r)
	if behave := s.behave.Load(); behave != nil {
		(*behave)(w, r)
		return
	}
	answer(w, r)
}

// answer is the usual answer of the site.
func answer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, r.Header.Get("X-WX-OpenID"))
}

// check records a fault if a request does not carry its visitor's openid, once.
func (s *site) check(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits++
	visitor, got := r.URL.Query().Get("visitor"), r.Header.Values("X-WX-OpenID")
	nobody := len(got) == 0 && strings.HasPrefix(r.URL.Path, "/public/")
	if want := s.openIDs[visitor]; !nobody && (len(got) != 1 || got[0] != want) {
		s.faults = append(s.faults, fmt.Sprintf("%s %s carries X-WX-OpenID %q, want %q", r.Method, r.URL, got, want))
	}
}

// forget begins to count anew.
func (s *site) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visits = 0
}

// report returns how many requests have arrived, and what was wrong with them.
func (s *site) report() (visits int, faults []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.visits, s.faults
}

// set makes the site answer with h; nil: as usual.
func (s *site) set(h http.HandlerFunc) {
	if h == nil {
		s.behave.Store(nil)
		return
	}
	s.behave.Store(&h)
}
