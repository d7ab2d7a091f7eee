package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificateFiles are the two files of a self-signed certificate for 127.0.0.1.
type certificateFiles struct{ certFile, keyFile string }

func newCertificate(t *testing.T) certificateFiles {
	t.Helper()
	dir := t.TempDir()
	c := certificateFiles{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	c.replace(t, 1)
	return c
}

// replace writes a new certificate with the serial number to the files.
func (c certificateFiles) replace(t *testing.T, serial int64) {
	t.Helper()
	c.replaceUntil(t, serial, time.Now().Add(time.Hour))
}

// replaceUntil is replace with the end of the certificate.
func (c certificateFiles) replaceUntil(t *testing.T, serial int64, end time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     end,
	}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, c.certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certDER}))
	writeFile(t, c.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func writeFile(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// trusting returns a TLS configuration that accepts the certificate in the file.
func (c certificateFiles) trusting(t *testing.T) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(c.certFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate in the file")
	}
	return &tls.Config{RootCAs: pool}
}

// served returns the serial number of the certificate that a new connection gets.
func served(t *testing.T, address string) int64 {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}) // only the serial number matters here
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

func startTLS(t *testing.T) (*process, certificateFiles) {
	t.Helper()
	files := newCertificate(t)
	p := start(t, environment(newUpstream(t, hello), "WXGATE_PUBLIC_URL=https://h5.example.com",
		"WXGATE_TLS_CERT_FILE="+files.certFile, "WXGATE_TLS_KEY_FILE="+files.keyFile))
	return p, files
}

func TestServeHTTPS(t *testing.T) {
	t.Parallel()
	p, files := startTLS(t)
	address := p.listening("gateway")
	for _, test := range []struct {
		name  string
		http2 bool
		want  string
	}{{"HTTP/2", true, "HTTP/2.0"}, {"HTTP/1.1", false, "HTTP/1.1"}} {
		protocols := new(http.Protocols)
		protocols.SetHTTP1(!test.http2)
		protocols.SetHTTP2(test.http2)
		transport := &http.Transport{TLSClientConfig: files.trusting(t), Protocols: protocols}
		defer transport.CloseIdleConnections()
		res, err := (&http.Client{Transport: transport, Timeout: patience}).Get("https://" + address + "/")
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode != 200 || res.Proto != test.want {
			t.Errorf("GET over %s = %d over %s, want 200 over %s", test.name, res.StatusCode, res.Proto, test.want)
		}
	}
	if status, _ := get(t, "http://"+p.listening("admin")+"/readyz"); status != 200 {
		t.Errorf("/readyz without TLS = %d, want 200", status)
	}
}

func TestServeFollowsItsCertificate(t *testing.T) {
	t.Parallel()
	const noticed = 5 * time.Second // the limit for files that are reread
	p, files := startTLS(t)
	address := p.listening("gateway")
	if got := served(t, address); got != 1 {
		t.Fatalf("certificate %d is served at first, want 1", got)
	}
	files.replace(t, 2)
	eventually(t, noticed, "a new certificate is served", func() bool { return served(t, address) == 2 })
	p.line(`"noun":"certificate"`, `"message":"file reloaded"`)

	// Half of a new pair: the previous one stays until the other half is there.
	half := newCertificate(t)
	half.replace(t, 3)
	cert, err := os.ReadFile(half.certFile)
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(half.keyFile)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, files.certFile, cert)
	eventually(t, noticed, "a broken pair is logged", func() bool {
		if got := served(t, address); got != 2 {
			t.Fatalf("certificate %d is served while the pair is broken, want 2", got)
		}
		return containsAll(p.stdout.String(), []string{
			`"level":"error"`, `"noun":"certificate"`, `"hint":"`,
			`"message":"file not reloaded, keeping previous content"`,
		})
	})
	writeFile(t, files.keyFile, key)
	eventually(t, noticed, "the whole pair is served", func() bool { return served(t, address) == 3 })

	// The files are missing for a while.
	if err := os.Remove(files.keyFile); err != nil {
		t.Fatal(err)
	}
	if got := served(t, address); got != 3 {
		t.Errorf("certificate %d is served without files, want 3", got)
	}
}
