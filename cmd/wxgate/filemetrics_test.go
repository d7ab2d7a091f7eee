package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// metric returns the value of a series of a running process; ok: it is there.
func (p *process) metric(series string) (value float64, ok bool) {
	p.t.Helper()
	_, text := get(p.t, "http://"+p.listening("admin")+"/metrics")
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\S+)$`).FindStringSubmatch(text)
	if found == nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return value, true
}

// success and readAt are the names of a file's series.
func success(variable string) string { return `wxgate_file_reload_success{file="` + variable + `"}` }

func readAt(variable string) string {
	return `wxgate_file_reload_timestamp_seconds{file="` + variable + `"}`
}

func TestBuildInfo(t *testing.T) {
	t.Parallel()
	p := start(t, environment(newUpstream(t, hello)))
	version := regexp.MustCompile(`"version":"([^"]+)"`).FindStringSubmatch(p.line(`"message":"started"`))
	if version == nil {
		t.Fatal("no version in the line at the start")
	}
	series := `wxgate_build_info{goversion="` + runtime.Version() + `",version="` + version[1] + `"}`
	if value, _ := p.metric(series); value != 1 {
		t.Errorf("%s = %v, want 1", series, value)
	}
}

// The metrics say whether each file could be reread, under the name of the variable
// that names it.
func TestFileMetrics(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	shared, own := filepath.Join(dir, "shared"), filepath.Join(dir, "own")
	keys := filepath.Join(dir, "keys.pem")
	files := newCertificate(t)
	key, err := os.ReadFile(files.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, shared, []byte("oVisitor\n"))
	writeFile(t, own, []byte("oVisitor\n"))
	writeFile(t, keys, key)
	before := float64(time.Now().Unix())
	p := start(t, environment(newUpstream(t, hello), "WXGATE_PUBLIC_URL=",
		"WXGATE_SITES_0_HOSTS=a.example.com", "WXGATE_SITES_1_HOSTS=b.example.com", "WXGATE_SITES_2_HOSTS=c.example.com",
		"WXGATE_DENY_OPENIDS_FILE="+shared, "WXGATE_SITES_1_DENY_OPENIDS_FILE="+own,
		"WXGATE_SITES_0_ALLOW_OPENIDS_FILE="+own, "WXGATE_ASSERTION_KEYS_FILE="+keys,
		"WXGATE_TLS_CERT_FILE="+files.certFile, "WXGATE_TLS_KEY_FILE="+files.keyFile))
	all := []string{
		"WXGATE_DENY_OPENIDS_FILE", "WXGATE_SITES_1_DENY_OPENIDS_FILE", "WXGATE_SITES_0_ALLOW_OPENIDS_FILE",
		"WXGATE_ASSERTION_KEYS_FILE", "WXGATE_TLS_CERT_FILE", "WXGATE_TLS_KEY_FILE",
	}
	first := make(map[string]float64)
	for _, variable := range all {
		ok, there := p.metric(success(variable))
		first[variable], _ = p.metric(readAt(variable))
		if !there || ok != 1 || first[variable] < before {
			t.Errorf("%s: success %v, there: %t, read at %v, want 1 after %v", variable, ok, there, first[variable], before)
		}
	}
	for _, variable := range []string{"WXGATE_SITES_0_DENY_OPENIDS_FILE", "WXGATE_ALLOW_OPENIDS_FILE"} {
		if _, there := p.metric(success(variable)); there {
			t.Errorf("there is a series for %s, which is not set", variable)
		}
	}
	for variable, path := range map[string]string{
		"WXGATE_DENY_OPENIDS_FILE": shared, "WXGATE_ASSERTION_KEYS_FILE": keys, "WXGATE_TLS_KEY_FILE": files.keyFile,
	} {
		writeFile(t, path, []byte("\x00 no list, no key"))
		p.signal(syscall.SIGHUP)
		eventually(t, patience, variable+" is broken", func() bool { ok, _ := p.metric(success(variable)); return ok == 0 })
	}
	if ok, _ := p.metric(success("WXGATE_SITES_1_DENY_OPENIDS_FILE")); ok != 1 {
		t.Errorf("the list of another site: success %v, want 1", ok)
	}
	broken, _ := p.metric(readAt("WXGATE_DENY_OPENIDS_FILE"))
	writeFile(t, shared, []byte("oAnother\n"))
	p.signal(syscall.SIGHUP)
	eventually(t, patience, "the list is read again", func() bool {
		ok, _ := p.metric(success("WXGATE_DENY_OPENIDS_FILE"))
		at, _ := p.metric(readAt("WXGATE_DENY_OPENIDS_FILE"))
		return ok == 1 && at > broken
	})
}

// The metric follows the certificate that is served. Without one it is not there: 0
// would be a certificate that ended long ago.
func TestCertificateExpiryMetric(t *testing.T) {
	t.Parallel()
	const name = "wxgate_certificate_expiry_timestamp_seconds"
	begin := time.Now()
	p, files := startTLS(t)
	ends := func() (first bool) {
		value, there := p.metric(name)
		left := time.Unix(int64(value), 0).Sub(begin)
		if !there || left < 59*time.Minute {
			t.Errorf("%s = %v, there: %t, want an hour from now", name, value, there)
		}
		return left < 90*time.Minute
	}
	if !ends() {
		t.Error("the first certificate ends later than in an hour")
	}
	files.replaceUntil(t, 2, time.Now().Add(3*time.Hour))
	p.signal(syscall.SIGHUP)
	eventually(t, patience, "the metric follows the certificate", func() bool { return !ends() })

	plain := start(t, environment(newUpstream(t, hello)))
	if value, there := plain.metric(name); there {
		t.Errorf("without a certificate: %s = %v, want none", name, value)
	}
}
