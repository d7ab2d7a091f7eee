package assertion

import (
	"crypto/elliptic"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A new key signs at once, and an old one is published until its last token has
// expired: in a rotation as the README describes it, and in a single step.
func TestRotation(t *testing.T) {
	t.Parallel()
	one, two := newEd25519(t), pkcs8(t, newECDSA(t, elliptic.P256()))
	id1, id2 := keyIDOf(t, one), keyIDOf(t, two)
	type step struct {
		file   string        // "": as it is
		after  time.Duration // from the step before
		signer string
		jwks   []string
	}
	for _, test := range []struct {
		name  string
		steps []step
	}{
		{"with care", []step{
			{one, 0, id1, []string{id1}},
			{one + two, 5 * time.Second, id1, []string{id1, id2}},
			{two + one, 5 * time.Second, id2, []string{id2, id1}},
			{"", time.Hour, id2, []string{id2, id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{"", 60 * time.Second, id2, []string{id2, id1}},
			{"", time.Second, id2, []string{id2}},
		}},
		{"in a hurry", []step{
			{one, 0, id1, []string{id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{"", 60 * time.Second, id2, []string{id2, id1}},
			{"", time.Second, id2, []string{id2}},
		}},
		{"there and back", []step{
			{one, 0, id1, []string{id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{one, 5 * time.Second, id1, []string{id1, id2}},
			{"", 60 * time.Second, id1, []string{id1, id2}},
			{"", time.Second, id1, []string{id1}},
			{two, 5 * time.Second, id2, []string{id2, id1}},
			{"", 61 * time.Second, id2, []string{id2}},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				issuer, path, _ := newTestIssuer(t, test.steps[0].file)
				for i, step := range test.steps {
					if i > 0 && step.file != "" {
						replaceKeys(t, path, step.file)
					}
					time.Sleep(step.after)
					if got := kidOf(t, issuer, issuer.Token(testVisitor)); got != step.signer {
						t.Errorf("step %d: signed by %s, want %s", i, got, step.signer)
					}
					if got := publishedIDs(t, issuer); !slices.Equal(got, step.jwks) {
						t.Errorf("step %d: published %q, want %q", i, got, step.jwks)
					}
				}
			})
		})
	}
}

// However the file changes, the published keys verify a token until it expires.
func TestTokensWhileRotating(t *testing.T) {
	t.Parallel()
	keys := make([]string, 4)
	for i := range keys {
		keys[i] = newEd25519(t)
		if i%2 == 1 {
			keys[i] = pkcs8(t, newECDSA(t, elliptic.P256()))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		issuer, path, _ := newTestIssuer(t, keys[0])
		const end = 3 * time.Minute
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 1; time.Since(start) < end; i++ {
				text := keys[i%4]
				if i%3 == 0 {
					text = keys[(i+1)%4] + text
				}
				if i%2 == 0 {
					replaceKeys(t, path, text)
				} else if err := os.WriteFile(path, []byte(text), 0o600); err != nil { // may be read half written
					t.Error(err)
				}
				time.Sleep(3 * time.Second)
			}
		})
		var signers sync.Map
		for worker := range 4 {
			wg.Go(func() {
				for i := 0; time.Since(start) < end; i++ {
					id := Visitor{OpenID: fmt.Sprint(worker%2, i%7), AppID: testVisitor.AppID}
					compact := issuer.Token(id)
					signers.Store(kidOf(t, issuer, compact), true)
					wg.Go(func() {
						time.Sleep(30 * time.Second) // it was half a minute old at most
						kidOf(t, issuer, compact)
					})
					time.Sleep(time.Second)
				}
			})
		}
		wg.Wait()
		n := 0
		for range signers.Range {
			n++
		}
		if n < len(keys) {
			t.Errorf("%d keys signed, want %d: the file was not rotated", n, len(keys))
		}
	})
}
