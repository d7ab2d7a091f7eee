package faults_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// trouble is a fault of the site, and what visitors get meanwhile.
type trouble struct {
	name       string
	begin, end func()
	page       string // a visitor
	script     string // a script of theirs
}

// With the site in trouble a visitor gets a page that says so, a script JSON, and
// both keep the session.
func TestUpstreamInTrouble(t *testing.T) {
	f := newFleet(t, options{})
	const page, script = "502", "502 upstream_unavailable"
	asUsual := func() { f.site.set(nil) }
	for _, tt := range []trouble{
		{"down", f.toSite.shut, f.toSite.open, page, script},
		{"resetting connections", f.toxicOnSite(`{"type": "reset_peer"}`), f.cutSite, page, script},
		{"cutting headers", f.toxicOnSite(`{"type": "limit_data", "attributes": {"bytes": 10}}`), f.cutSite,
			page, script},
		{"cutting bodies", func() { f.site.set(cutBody(64 << 10)) }, asUsual, "cut off", "cut off"},
		// A client that got nothing of it could send the request again.
		{"cutting short bodies", func() { f.site.set(cutBody(10)) }, asUsual, "cut off", "cut off"},
		{"failing", func() { f.site.set(fail) }, asUsual, "500", "500"},
	} {
		f.verdict(f.visitInTrouble(tt), "200", tt.page, tt.script)
	}
}

// A site that does not answer in time is 504.
func TestUpstreamTooSlow(t *testing.T) {
	f := newFleet(t, options{environ: []string{"WXGATE_UPSTREAM_TIMEOUT=1s"}})
	for _, tt := range []trouble{
		{"slow", f.toxicOnSite(`{"type": "latency", "attributes": {"latency": 5000}}`), f.cutSite,
			"504", "504 upstream_unavailable"},
		{"silent", f.toxicOnSite(`{"type": "timeout", "attributes": {"timeout": 0}}`), f.cutSite,
			"504", "504 upstream_unavailable"},
	} {
		f.verdict(f.visitInTrouble(tt), "200", tt.page, tt.script,
			"502", "502 upstream_unavailable") // cutSite ends connections
	}
}

// visitInTrouble lets visitors visit the site in trouble, until it is back.
func (f *fleet) visitInTrouble(tt trouble) *tally {
	f.t.Helper()
	return f.during(func() {
		tt.begin()
		time.Sleep(calm)
		var visits sync.WaitGroup
		for _, v := range f.visitors[:3] {
			visits.Go(func() { v.wantResult(tt.name, visit{}, tt.page) })
			visits.Go(func() { v.wantResult(tt.name, visit{script: true}, tt.script) })
			visits.Go(func() { v.wantResult(tt.name, visit{method: http.MethodPost, body: "a=1"}, tt.page) })
		}
		visits.Wait()
		tt.end()
		eventually(f.t, tt.name+": the site is back", func() bool {
			result, _ := f.visitors[0].visit(f.t.Context(), visit{})
			return result == "200"
		})
	})
}

// toxicOnSite returns a function that puts a toxic on the way to the site, also for
// connections that the gateway keeps.
func (f *fleet) toxicOnSite(toxic string) func() {
	return func() { f.toSite.damage(toxic) }
}

// cutSite repairs the way to the site, and ends the connections that were damaged.
func (f *fleet) cutSite() {
	f.toSite.repair()
	f.toSite.shut()
	f.toSite.open()
}

// cutBody sends n bytes of a longer answer and closes the connection.
func cutBody(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(2*n))
		w.Write(make([]byte, n))
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func fail(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusInternalServerError)
}

// wantResult checks what a request of the visitor ends with.
func (v *visitor) wantResult(name string, a visit, want string) {
	v.fleet.t.Helper()
	if got, err := v.visit(v.fleet.t.Context(), a); got != want {
		v.fleet.t.Errorf("%s: %s %+v ends with %q (%v), want %q", name, v.id, a, got, err, want)
	}
}

// A site that is slow for some visitors holds up no others.
func TestUpstreamSlowForSome(t *testing.T) {
	f := newFleet(t, options{})
	f.site.set(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-time.After(2 * time.Second):
			case <-r.Context().Done():
			}
		}
		answer(w, r)
	})
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.manySlow(stop)
	}()
	seen := f.during(func() { time.Sleep(time.Second) })
	close(stop)
	<-ended
	f.verdict(seen, "200")
	if seen.longest > patience/2 {
		t.Errorf("the longest request takes %v", seen.longest)
	}
}

// manySlow keeps a hundred slow requests under way.
func (f *fleet) manySlow(stop <-chan struct{}) {
	slots := make(chan struct{}, 100)
	for i := 0; ; i++ {
		select {
		case <-stop:
			for range cap(slots) {
				slots <- struct{}{}
			}
			return
		case slots <- struct{}{}:
			go func() {
				defer func() { <-slots }()
				v := f.visitors[i%len(f.visitors)]
				if result, err := v.visit(f.t.Context(), visit{path: "/slow"}); result != "200" {
					f.t.Errorf("a slow answer of the site ends with %q, %v", result, err)
				}
			}()
		}
	}
}
