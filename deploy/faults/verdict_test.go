package faults_test

import (
	"slices"
	"strings"
	"sync"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// A cookieLog keeps the values of all cookies that the gateways have set.
type cookieLog struct {
	mu     sync.Mutex
	values []string
}

func (l *cookieLog) add(value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if value != "" && !slices.Contains(l.values, value) {
		l.values = append(l.values, value)
	}
}

func (l *cookieLog) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.values)
}

// verdict checks what holds at the end of every row: no visitor saw anything but
// the results, nobody was taken for somebody else, all visitors are signed in still,
// memory is bounded, no code was used twice, and the log keeps secrets. A load that
// sent nothing has shown nothing.
func (f *fleet) verdict(seen *tally, results ...string) {
	f.t.Helper()
	f.t.Log(seen)
	if seen.total() < 100 {
		f.t.Errorf("the load has sent %d requests, want at least 100", seen.total())
	}
	f.wantResults(seen, results...)
	if _, faults := f.site.report(); len(faults) > 0 {
		f.t.Errorf("%d requests reach the site wrongly, such as: %s", len(faults), faults[0])
	}
	for _, g := range f.gateways {
		f.wantSound(g)
	}
	f.wantCodesOnce()
	f.wantSecretsKept()
}

// wantResults checks that visitors saw nothing but the results.
func (f *fleet) wantResults(seen *tally, results ...string) {
	f.t.Helper()
	for result, count := range seen.counts {
		if !slices.Contains(results, result) {
			f.t.Errorf("%d of %d requests end with %q, want only %q: %v",
				count, seen.total(), result, results, seen.examples[result])
		}
	}
}

// wantSound checks that a gateway runs and knows all visitors, or has ended in
// order, and that it has not used too much memory.
func (f *fleet) wantSound(g *gateway) {
	f.t.Helper()
	if most := g.peakMemory(); most > f.options.memory {
		f.t.Errorf("%s has used %d MiB, want at most %d MiB", g.name, most>>20, f.options.memory>>20)
	} else {
		f.t.Logf("%s has used %d MiB", g.name, most>>20)
	}
	if !g.running() {
		if code := g.exit(); code != 0 {
			f.t.Errorf("%s has ended with exit code %d, want 0", g.name, code)
		}
		return
	}
	for _, v := range f.visitors {
		v.wantSignedIn(g)
	}
}

// wantCodesOnce checks that WeChat was asked at most once about each code.
func (f *fleet) wantCodesOnce() {
	f.t.Helper()
	used := map[string]bool{}
	for _, r := range f.exchanges() {
		if code := r.Query.Get("code"); used[code] {
			f.t.Error("a code was used twice")
		} else {
			used[code] = true
		}
	}
}

// exchanges are the requests by which codes were exchanged.
func (f *fleet) exchanges() []wechattest.Request {
	return slices.DeleteFunc(f.wx.Requests(), func(r wechattest.Request) bool {
		return r.Path != "/sns/oauth2/access_token"
	})
}

// wantSecretsKept checks that no secret stands in the log of the gateways.
func (f *fleet) wantSecretsKept() {
	f.t.Helper()
	secrets := append(f.seen.all(), wechattest.StockAppSecret, cookieKey)
	for _, v := range f.visitors {
		secrets = append(secrets, v.openID)
	}
	for _, r := range f.exchanges() {
		secrets = append(secrets, r.Query.Get("code"))
	}
	log := f.log.String()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(log, secret) {
			i := strings.Index(log, secret)
			f.t.Errorf("a secret stands in the log: …%s…", log[max(0, i-200):min(len(log), i+len(secret)+50)])
			return
		}
	}
}
