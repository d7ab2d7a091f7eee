package faults_test

import (
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// An audience is a fleet whose visitors differ in what the gateways know of them, as
// matters when the session store is away.
type audience struct {
	*fleet
	known     []*visitor // ask for pages all the time
	idle      []*visitor // are signed in, and ask for nothing until the fault
	newcomers *newcomers // sign in all the time

	seenByKnown, seenByIdle *tally
	public                  *tally // what all visitors see on public paths
}

// newAudience starts a fleet. Its gateways have not seen any session since they
// started.
func newAudience(t *testing.T, o options) *audience {
	t.Helper()
	o.environ = append([]string{"WXGATE_PUBLIC_PATHS=/public/"}, o.environ...)
	a := &audience{fleet: newFleet(t, o)}
	a.idle, a.known = a.visitors[:8], a.visitors[8:]
	a.newcomers = &newcomers{fleet: a.fleet, tally: newTally()}
	for _, g := range a.gateways {
		g.restart()
	}
	return a
}

// restart kills the gateway and starts it again.
func (g *gateway) restart() {
	g.fleet.t.Helper()
	g.signal(syscall.SIGKILL)
	g.exit()
	g.start()
	g.waitReady()
}

// during lets everybody in and begins the fault when the gateways know those of
// a.known. The idle visitors come when it has begun. After the fault it waits until
// all visitors are signed in again.
func (a *audience) during(begin, fault, end func()) {
	a.t.Helper()
	known := a.startLoad(loadOptions{visitors: a.known, rate: 120})
	public := a.startLoad(loadOptions{visitors: a.known, rate: 40, visit: publicPage})
	a.newcomers.start(10)
	time.Sleep(calm)
	begin()
	idle := a.startLoad(loadOptions{visitors: a.idle, rate: 40, visit: mixedWithPublic})
	fault()
	end()
	for _, v := range a.visitors {
		eventually(a.t, v.id+" is signed in again", func() bool {
			return !slices.ContainsFunc(a.gateways, func(g *gateway) bool { return !v.signedIn(g) })
		})
	}
	a.newcomers.waitLogin()
	time.Sleep(calm)
	a.seenByKnown, a.seenByIdle, a.public = known.stop(), idle.stop(), public.stop()
	a.newcomers.stop()
}

// publicPage is a visit of a path that needs no session.
func publicPage(n int) visit {
	return visit{path: "/public/" + strconv.Itoa(n%10), public: true, script: n%2 == 0}
}

// mixedWithPublic is the usual mix of requests, with public paths.
func mixedWithPublic(n int) visit {
	if n%6 == 5 {
		return publicPage(n)
	}
	return mixed(n)
}

// signedIn reports whether a gateway knows the visitor.
func (v *visitor) signedIn(g *gateway) bool {
	result, err := v.visit(v.fleet.t.Context(), visit{path: "/back", origin: "http://" + g.address, script: true})
	return err == nil && result == "200"
}

// The results of visitors while the session store is away.
var (
	served  = []string{"200"}
	refused = []string{"200", "503", "503 session_store_unavailable"}
	// loginsRefused is refused for logins, which are pages.
	loginsRefused = []string{"200", "503"}
)

// verdict checks what each group saw, that all who have signed in are signed in
// still, that the log is readable, and what every row checks.
func (a *audience) verdict(known, idle, newcomers []string) {
	a.t.Helper()
	a.t.Logf("idle: %v", a.seenByIdle)
	a.wantResults(a.seenByIdle, idle...)
	a.t.Logf("newcomers: %v", a.newcomers.tally)
	a.wantResults(a.newcomers.tally, newcomers...)
	a.t.Logf("public: %v", a.public)
	a.wantResults(a.public, "200")
	a.wantShortWaits()
	a.newcomers.wantSignedIn()
	a.wantReadableLog()
	a.fleet.verdict(a.seenByKnown, known...)
}

// wantSeen checks that some visitors saw each of the results.
func (f *fleet) wantSeen(seen *tally, results ...string) {
	f.t.Helper()
	for _, result := range results {
		if seen.of(result) == 0 {
			f.t.Errorf("nobody has seen %q: %v", result, seen)
		}
	}
}

// longestWait is the longest that a visitor may wait: a login while Redis does not
// answer reads and writes.
const longestWait = 4 * time.Second

// wantShortWaits checks that nobody waits for longer than longestWait, and for what
// the machine had no time to run.
func (a *audience) wantShortWaits() {
	a.t.Helper()
	limit := longestWait
	for _, g := range a.gateways {
		if g.running() {
			limit += g.starved()
		}
	}
	for _, seen := range []*tally{a.seenByKnown, a.seenByIdle, a.newcomers.tally, a.public} {
		if seen.longest > limit {
			a.t.Errorf("a visitor waits for %v, want at most %v", seen.longest, limit)
		}
	}
}

// wantReadableLog checks that an outage is told in a few lines at level error,
// however many requests fail.
func (f *fleet) wantReadableLog() {
	f.t.Helper()
	const most = 10
	n, warnings := f.log.lines(`"level":"error"`), f.log.lines(`"level":"warn"`)
	f.t.Logf("the log has %d lines: %d at level error, %d at level warn", f.log.lines(""), n, warnings)
	if n > most*len(f.gateways) {
		f.t.Errorf("the log has %d lines at level error, want at most %d", n, most*len(f.gateways))
	}
}
