package faults_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wxgate/wxgate/wechat/wechattest"
)

// watchedFiles are the files that a gateway reads again when they change.
type watchedFiles struct {
	t           *testing.T
	fleet       *fleet
	certificate *certificate
	allow, deny string // paths
	keys        string
	outsider    *visitor // may not enter
}

// newWatchedFiles starts a fleet with all of these files.
func newWatchedFiles(t *testing.T) *watchedFiles {
	t.Helper()
	dir := t.TempDir()
	w := &watchedFiles{
		t: t, certificate: newCertificate(t),
		allow: filepath.Join(dir, "allow"), deny: filepath.Join(dir, "deny"), keys: filepath.Join(dir, "keys.pem"),
	}
	writeFile(t, w.allow, w.allowed())
	writeFile(t, w.deny, "")
	writeFile(t, w.keys, keyText(t, newKey(t)))
	w.fleet = newFleet(t, options{tls: w.certificate, environ: []string{
		"WXGATE_ALLOW_OPENIDS_FILE=" + w.allow,
		"WXGATE_DENY_OPENIDS_FILE=" + w.deny,
		"WXGATE_ASSERTION_KEYS_FILE=" + w.keys,
	}})
	w.outsider = w.fleet.newVisitor("outsider")
	w.outsider.signIn()
	replaceFile(t, w.deny, w.denied())
	w.eventually("the deny list holds", func() bool { return w.result() == "403 not_allowed" })
	return w
}

// result is what the outsider gets.
func (w *watchedFiles) result() string {
	result, _ := w.outsider.visit(w.t.Context(), visit{script: true})
	return result
}

func (w *watchedFiles) eventually(what string, yes func() bool) {
	w.t.Helper()
	eventually(w.t, what, yes)
}

// allowed lists all visitors, denied the outsider, after a thousand others each.
func (w *watchedFiles) allowed() string {
	ids := []string{"outsider"}
	for i := range 20 {
		ids = append(ids, fmt.Sprintf("visitor%03d", i))
	}
	return openIDList(w.t, ids)
}

func (w *watchedFiles) denied() string { return openIDList(w.t, []string{"outsider"}) }

func openIDList(t *testing.T, visitors []string) string {
	t.Helper()
	wx, err := wechattest.New(wechattest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "oSomebodyElse%015d\n", i)
	}
	for _, id := range visitors {
		text.WriteString(wx.OpenID(wechattest.StockAppID, id) + "\n")
	}
	return text.String()
}

// all are the paths of all files.
func (w *watchedFiles) all() []string {
	return []string{w.certificate.certFile, w.certificate.keyFile, w.allow, w.deny, w.keys}
}

// failures is the number of reloads that failed.
func (w *watchedFiles) failures() int { return w.fleet.log.lines(`"file not reloaded`) }

// serial returns the serial number of the certificate that a new connection gets.
func (w *watchedFiles) serial() int64 {
	w.t.Helper()
	address := strings.TrimPrefix(w.fleet.origin, "https://")
	conn, err := tls.Dial("tcp", address, w.fleet.transport.TLSClientConfig.Clone())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// replaceFile replaces a file by another, as careful programs do.
func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	writeFile(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// writeSlowly writes a file in place, in parts.
func writeSlowly(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	const parts = 10
	for i := range parts {
		time.Sleep(60 * time.Millisecond)
		part := text[i*len(text)/parts : (i+1)*len(text)/parts]
		if _, err := file.WriteString(part); err != nil {
			t.Error(err)
		}
	}
}

// writeAll writes all files in place at the same time, in parts. It returns what the
// outsider gets meanwhile, and how long it took.
func (w *watchedFiles) writeAll(texts []string) (results map[string]int, took time.Duration) {
	begin, results := time.Now(), map[string]int{}
	var writing sync.WaitGroup
	for i, path := range w.all() {
		writing.Go(func() { writeSlowly(w.t, path, texts[i]) })
	}
	done := make(chan struct{})
	go func() {
		writing.Wait()
		close(done)
	}()
	for {
		select {
		case <-done:
			return results, time.Since(begin)
		case <-time.After(20 * time.Millisecond):
			results[w.result()]++
		}
	}
}

// While files are written in place, half of them is no list, certificate or key: no
// visitor is refused, and nobody gets in who is on the deny list.
func TestFilesWrittenSlowly(t *testing.T) {
	slow(t)
	w := newWatchedFiles(t)
	certPEM, keyPEM := w.certificate.next()
	texts := []string{certPEM, keyPEM, w.allowed(), w.denied(), keyText(t, newKey(t))}
	for judged := 0; judged < 3; { // the gateway looks every two seconds
		var results map[string]int
		var took time.Duration
		seen := w.fleet.during(func() { results, took = w.writeAll(texts) })
		if took > time.Second {
			t.Log("the machine is busy: a file at rest for a second counts as written")
			time.Sleep(5 * time.Second) // the gateway has read what is complete now
			continue
		}
		judged++
		if len(results) != 1 || results["403 not_allowed"] == 0 {
			t.Errorf("while the lists are written, a denied visitor gets %v, want 403 alone", results)
		}
		w.fleet.wantResults(seen, "200")
	}
	want := 1000 + w.certificate.serial
	w.eventually("the new certificate is served", func() bool { return w.serial() == want })
	w.fleet.verdict(w.fleet.during(func() {}), "200")
}

// Files that are broken or missing change nothing, and the log says so once for
// each. Those that are replaced take effect.
func TestFilesBrokenRemovedReplaced(t *testing.T) {
	slow(t)
	w := newWatchedFiles(t)
	seen := w.fleet.during(func() {
		first := w.serial()
		for _, path := range w.all() {
			writeFile(t, path, "two words\n-----BEGIN")
		}
		w.eventually("broken files are logged", func() bool { return w.failures() == 4 }) // certificate and key are one
		for _, path := range w.all() {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(2500 * time.Millisecond) // the gateway has looked
		if n := w.failures(); n != 4 {
			t.Errorf("%d failures are logged, want one for each of 4", n)
		}
		if got, serial := w.result(), w.serial(); got != "403 not_allowed" || serial != first {
			t.Errorf("without files a denied visitor gets %q by certificate %d, want 403 by %d", got, serial, first)
		}
		certPEM, keyPEM := w.certificate.next()
		replaceFile(t, w.certificate.certFile, certPEM)
		replaceFile(t, w.certificate.keyFile, keyPEM)
		replaceFile(t, w.allow, w.allowed())
		replaceFile(t, w.deny, "")
		replaceFile(t, w.keys, keyText(t, newKey(t)))
		w.eventually("the new files are used", func() bool { return w.result() == "200" && w.serial() == first+1 })
	})
	w.fleet.verdict(seen, "200")
}
