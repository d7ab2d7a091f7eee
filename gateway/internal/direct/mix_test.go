package direct_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// restless answers each request with its path, and at random closes the connection before
// or after, waits, sends a part, or answers twice.
func restless(c net.Conn, seed uint64) {
	defer c.Close()
	random := rand.New(rand.NewPCG(seed, 1))
	requests := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		text := r.URL.Path
		response := page + "Content-Length: " + strconv.Itoa(len(text)) + "\r\n\r\n" + text
		switch random.IntN(12) {
		case 0:
			return
		case 1:
			io.WriteString(c, response)
			return
		case 2:
			io.WriteString(c, response+response)
			continue
		case 3:
			io.WriteString(c, response[:random.IntN(len(response))])
			return
		case 4:
			<-time.After(time.Duration(random.IntN(2000)) * time.Microsecond)
		case 5:
			response = page + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(text), text)
		}
		if _, err := io.WriteString(c, response); err != nil {
			return
		}
	}
}

// A visitor gets the answer to their own request or none, with anything happening to
// other requests on the same connections. http.Transport does not pass this test: it may
// give a second answer to the next request.
func TestAnswersDoNotMix(t *testing.T) {
	t.Parallel()
	var connections atomic.Uint64
	address := listen(t, "tcp", loopback, func(c net.Conn) { restless(c, connections.Add(1)) })
	transport := newDirect(t, address)
	var right atomic.Int32
	var all sync.WaitGroup
	for visitor := range 50 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(visitor), 2))
			for i := range 200 {
				if visit(t, transport, "http://"+address+fmt.Sprintf("/%d/%d", visitor, i), random) {
					right.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := right.Load(); n < 5000 {
		t.Errorf("%d of 10,000 requests have an answer, want more than half", n)
	}
}

// visit sends one request, and reports whether it got a whole answer.
func visit(t *testing.T, transport http.RoundTripper, address string, random *rand.Rand) bool {
	ctx := t.Context()
	if random.IntN(10) == 0 {
		limited, cancel := context.WithTimeout(ctx, time.Duration(random.IntN(2000))*time.Microsecond)
		defer cancel()
		ctx = limited
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		panic(err) // the test's own mistake
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	if random.IntN(20) == 0 {
		return false // without reading the body
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return false
	}
	if string(text) != r.URL.Path {
		t.Errorf("%s got the answer %q", r.URL.Path, text)
	}
	return true
}
