package main_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wxgate/wxgate/session/redisstore/redistest"
)

// The login rate counts over all replicas with Redis, under either store.
func TestLoginRateOverReplicas(t *testing.T) {
	t.Parallel()
	const limit, n = 30, 3
	for _, test := range []struct {
		name        string
		changes     []string
		least, most int
	}{
		{"cookie store with Redis", []string{"WXGATE_REDIS_URL=" + redistest.Start(t).URL()}, limit, limit + 2*n},
		{"Redis store", []string{"WXGATE_SESSION_STORE=redis", "WXGATE_REDIS_URL=" + redistest.Start(t).URL()}, limit, limit + 2*n},
		{"without Redis", nil, n * limit, n * limit},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := startReplicas(t, n, append(test.changes, "WXGATE_LOGIN_RATE=30/1h")...)
			if test.changes != nil {
				for _, p := range f.processes {
					p.line(`"message":"redis answers"`)
				}
			}
			if passed := f.logins(t, 2*limit*n); passed < test.least || passed > test.most {
				t.Errorf("%d logins passed at %d replicas, want %d to %d", passed, n, test.least, test.most)
			}
		})
	}
}

// logins starts count logins, six at the same time, each at the next replica, and
// returns how many passed.
func (f *replicas) logins(t *testing.T, count int) int {
	t.Helper()
	var passed, next atomic.Int64
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for i := int(next.Add(1)); i <= count; i = int(next.Add(1)) {
				url := "http://" + f.addresses[i%len(f.addresses)] + "/_wx/login"
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
				if err != nil {
					t.Error(err)
					return
				}
				r.Host = "h5.example.com"
				res, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Error(err)
					return
				}
				res.Body.Close()
				if res.StatusCode == http.StatusFound {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return int(passed.Load())
}
