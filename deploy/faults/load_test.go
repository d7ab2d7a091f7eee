package faults_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// loadOptions say what a load consists of.
type loadOptions struct {
	visitors []*visitor        // default: the fleet's
	rate     int               // requests a second; default 250
	visit    func(n int) visit // the nth request; default: page loads, scripts and posts
	until    context.Context   // no request is sent after its end; default: until stop
}

// maxInFlight limits the requests that wait for an answer, so that a machine that
// was busy with something else gets no heap of them.
const maxInFlight = 200

// A load sends requests at a fixed rate, in turn for each visitor, without waiting
// for answers.
type load struct {
	fleet    *fleet
	inFlight chan struct{}
	options  loadOptions
	tally    *tally
	end      chan struct{}
	requests sync.WaitGroup
	ended    chan struct{}
}

// mixed is the usual mix of requests.
func mixed(n int) visit {
	switch n % 5 {
	case 1, 2:
		return visit{script: true}
	case 3:
		return visit{script: true, method: http.MethodPost, body: "a=1"}
	default:
		return visit{}
	}
}

// gets is a mix of requests that may be repeated.
func gets(n int) visit { return visit{script: n%2 == 0} }

func (f *fleet) startLoad(o loadOptions) *load {
	o.rate = cmp.Or(o.rate, 250)
	if o.visit == nil {
		o.visit = mixed
	}
	if o.visitors == nil {
		o.visitors = f.visitors
	}
	if o.until == nil {
		o.until = context.Background()
	}
	l := &load{
		fleet: f, options: o, tally: newTally(), inFlight: make(chan struct{}, maxInFlight),
		end: make(chan struct{}), ended: make(chan struct{}),
	}
	go l.run()
	return l
}

// run begins a request at each tick, and those that it was late for.
func (l *load) run() {
	defer close(l.ended)
	ticker := time.NewTicker(time.Second / time.Duration(l.options.rate))
	defer ticker.Stop()
	begin, sent := time.Now(), 0
	for {
		select {
		case <-l.end:
			return
		case <-l.options.until.Done():
			return
		case now := <-ticker.C:
			for due := int(now.Sub(begin).Seconds() * float64(l.options.rate)); sent < due; sent++ {
				select {
				case l.inFlight <- struct{}{}:
					l.send(sent)
				default:
				}
			}
		}
	}
}

func (l *load) send(n int) {
	v := l.options.visitors[n%len(l.options.visitors)]
	l.requests.Go(func() {
		defer func() { <-l.inFlight }()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		begin := time.Now()
		result, err := v.visit(ctx, l.options.visit(n))
		l.tally.add(result, time.Since(begin), err)
	})
}

// stop ends the load and waits for all answers.
func (l *load) stop() *tally {
	close(l.end)
	<-l.ended
	l.requests.Wait()
	return l.tally
}

// A tally counts answers by what they were: the status, for an error in JSON with
// its word, or "no answer", "cut off", "session deleted" or "another's answer".
type tally struct {
	mu       sync.Mutex
	counts   map[string]int
	examples map[string]error
	longest  time.Duration
}

func newTally() *tally {
	return &tally{counts: map[string]int{}, examples: map[string]error{}}
}

func (c *tally) add(result string, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[result]++
	c.longest = max(c.longest, took)
	if err != nil {
		c.examples[result] = err
	}
}

// total returns the number of requests.
func (c *tally) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, count := range c.counts {
		n += count
	}
	return n
}

// of returns how many requests had a result.
func (c *tally) of(result string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[result]
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var text strings.Builder
	for result, count := range c.counts {
		fmt.Fprintf(&text, "%d × %s", count, result)
		if err := c.examples[result]; err != nil {
			fmt.Fprintf(&text, " (such as: %v)", err)
		}
		text.WriteString("; ")
	}
	fmt.Fprintf(&text, "longest %v", c.longest.Round(time.Millisecond))
	return text.String()
}
