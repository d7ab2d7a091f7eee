package gateway_test

import (
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// Bodies are streamed, not kept in memory. Each has 64 MiB, or 1 GiB if TEST_LARGE
// is 1.
func TestBodiesStreamInConstantMemory(t *testing.T) {
	const bound = 16 << 20 // of the heap
	size := int64(64 << 20)
	if os.Getenv("TEST_LARGE") == "1" {
		size = 1 << 30
	}
	length := strconv.FormatInt(size, 10)
	rig := newRig(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			n, err := io.Copy(io.Discard, r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			io.WriteString(w, strconv.FormatInt(n, 10))
			return
		}
		if r.URL.Path == "/sized" {
			w.Header().Set("Content-Length", length)
		}
		io.CopyN(w, zeros{}, size)
	}))
	cookie := signedIn(t)
	tests := []struct {
		name, method, path string
		body               io.Reader
		length             int64
	}{
		{"request with its length", "POST", "/", io.LimitReader(zeros{}, size), size},
		{"request in chunks", "POST", "/", io.LimitReader(zeros{}, size), -1},
		{"answer with its length", "GET", "/sized", nil, 0},
		{"answer in chunks", "GET", "/", nil, 0},
	}
	for _, test := range tests {
		q := rig.newRequest(t, test.method, test.path, test.body, "Cookie", cookie)
		q.ContentLength = test.length
		before, peak := heap(), watchHeap()
		res, err := rig.Client().Transport.RoundTrip(q)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if test.method == "POST" {
			if a := readAnswer(t, res); a.body != length {
				t.Errorf("%s: the site got %s bytes, want %s", test.name, a.body, length)
			}
		} else if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
			t.Errorf("%s: the visitor got %d bytes, %v; want %d", test.name, n, err, size)
		}
		res.Body.Close()
		if grown := int64(peak()) - int64(before); grown > bound {
			t.Errorf("%s: the heap grew by %d MiB, want %d at most", test.name, grown>>20, bound>>20)
		}
	}
}

// heap returns the bytes in use after a garbage collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// watchHeap samples the heap. The returned function stops it and returns the
// highest value.
func watchHeap() func() uint64 {
	stop, result := make(chan bool), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				result <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		return <-result
	}
}
