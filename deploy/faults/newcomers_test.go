package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// newcomers sign in for the first time, one after the other.
type newcomers struct {
	fleet *fleet
	tally *tally
	end   chan struct{}
	all   sync.WaitGroup

	mu     sync.Mutex
	logins []login
}

// A login is one that succeeded.
type login struct {
	visitor    *visitor
	began, was time.Time // was: when it was complete
}

// start lets so many newcomers a second in.
func (n *newcomers) start(rate int) {
	n.end = make(chan struct{})
	n.all.Go(func() {
		ticker := time.NewTicker(time.Second / time.Duration(rate))
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-n.end:
				return
			case <-ticker.C:
				v := n.fleet.newVisitor(fmt.Sprintf("newcomer%03d", i))
				n.all.Go(func() { n.signIn(v) })
			}
		}
	})
}

func (n *newcomers) signIn(v *visitor) {
	begin := time.Now()
	page, err := v.tryToSignIn()
	result := "no answer"
	switch {
	case err != nil:
	case page.Status == http.StatusOK && page.Body != v.openID:
		result = "another's answer"
	default:
		result = strconv.Itoa(page.Status)
	}
	n.tally.add(result, time.Since(begin), err)
	if result == "200" {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.logins = append(n.logins, login{v, begin, time.Now()})
	}
}

// count returns how many have signed in.
func (n *newcomers) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.logins)
}

// waitLogin waits until some who come from now on have signed in.
func (n *newcomers) waitLogin() {
	n.fleet.t.Helper()
	before := n.count()
	eventually(n.fleet.t, "newcomers sign in", func() bool { return n.count() >= before+3 })
}

// stop lets no more in and waits for those who sign in.
func (n *newcomers) stop() {
	close(n.end)
	n.all.Wait()
}

// first returns when the first login was complete that began after a time.
func (n *newcomers) first(after time.Time) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	var first time.Time
	for _, l := range n.logins {
		if l.began.After(after) && (first.IsZero() || l.was.Before(first)) {
			first = l.was
		}
	}
	return first
}

// excuse forgets those who signed in within a time: what they had may be lost.
func (n *newcomers) excuse(from, to time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.logins = slices.DeleteFunc(n.logins, func(l login) bool { return l.was.After(from) && l.began.Before(to) })
}

// wantSignedIn checks that all who have signed in are still.
func (n *newcomers) wantSignedIn() {
	n.fleet.t.Helper()
	for _, l := range n.logins {
		for _, g := range n.fleet.gateways {
			l.visitor.wantSignedIn(g)
		}
	}
}
