package helm_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// A mountedFile is a key of a Secret or a ConfigMap that a container sees as a file.
// A folder is all keys of one.
type mountedFile struct {
	path      string
	secret    string // empty for a ConfigMap
	configMap string
	folder    bool
	readOnly  bool
}

// has reports whether name is the name of the file, or of one in the folder.
func (m mountedFile) has(name string) bool {
	return name == m.path || m.folder && path.Dir(name) == m.path
}

// mountedFiles returns the files of Secrets and ConfigMaps that a container mounts.
func mountedFiles(p pod, c corev1.Container) []mountedFile {
	var files []mountedFile
	for _, mount := range c.VolumeMounts {
		for _, v := range p.spec.Volumes {
			if v.Name != mount.Name {
				continue
			}
			for _, file := range volumeFiles(v.VolumeSource) {
				file.path = path.Join(mount.MountPath, file.path)
				file.readOnly = mount.ReadOnly
				files = append(files, file)
			}
		}
	}
	return files
}

func volumeFiles(v corev1.VolumeSource) []mountedFile {
	switch {
	case v.Secret != nil:
		return keyFiles(mountedFile{secret: v.Secret.SecretName}, v.Secret.Items)
	case v.ConfigMap != nil:
		return keyFiles(mountedFile{configMap: v.ConfigMap.Name}, v.ConfigMap.Items)
	}
	var files []mountedFile
	for _, source := range value(v.Projected).Sources {
		switch {
		case source.Secret != nil:
			files = append(files, keyFiles(mountedFile{secret: source.Secret.Name}, source.Secret.Items)...)
		case source.ConfigMap != nil:
			files = append(files, keyFiles(mountedFile{configMap: source.ConfigMap.Name}, source.ConfigMap.Items)...)
		}
	}
	return files
}

func keyFiles(from mountedFile, items []corev1.KeyToPath) []mountedFile {
	if len(items) == 0 {
		from.folder = true
		return []mountedFile{from}
	}
	var files []mountedFile
	for _, item := range items {
		from.path = item.Path
		files = append(files, from)
	}
	return files
}

// writeFiles writes the mounted files that variables name below a directory, and
// makes the variables name them there.
func writeFiles(t *testing.T, p pod, c corev1.Container, env map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for _, file := range mountedFiles(p, c) {
		for name, value := range env {
			if !file.has(value) {
				continue
			}
			to := filepath.Join(dir, filepath.FromSlash(value))
			env[name] = to
			if strings.HasSuffix(name, "_DIR") {
				makeDir(t, to)
				continue
			}
			makeDir(t, filepath.Dir(to))
			if err := os.WriteFile(to, contentOf(t, name, env), 0o400); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func makeDir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// siteNumber is what the names of a site's variables have behind WXGATE_.
var siteNumber = regexp.MustCompile(`^WXGATE_(SITES_[0-9]+_)?`)

// contentOf returns a content that wxgate accepts in the file that the variable names.
func contentOf(t *testing.T, variable string, env map[string]string) []byte {
	t.Helper()
	name := strings.TrimSuffix(siteNumber.ReplaceAllString(variable, ""), "_FILE")
	if _, ok := env["WXGATE_REDIS_CA_FILE"]; ok && name == "REDIS_URL" {
		return []byte("rediss://127.0.0.1:1/0\n")
	}
	if content, ok := fileContents()[name]; ok {
		return []byte(content + "\n")
	}
	t.Fatalf("the test has no content for the file of %s", variable)
	return nil
}

// fileContents are the contents by the name of the variable, without WXGATE_ and
// _FILE.
var fileContents = sync.OnceValue(func() map[string]string {
	certificate, key := selfSigned()
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	contents := map[string]string{
		"APP_SECRET":     "0123456789abcdef0123456789abcdef",
		"COOKIE_KEYS":    randomKey() + "," + randomKey(),
		"QR_APP_SECRET":  "fedcba9876543210fedcba9876543210",
		"REDIS_URL":      "redis://127.0.0.1:1/0",
		"ADMIN_TOKEN":    randomKey(),
		"HUB_KEY":        randomKey(),
		"ASSERTION_KEYS": privatePEM(signing),
		"ALLOW_OPENIDS":  "# nobody",
		"DENY_OPENIDS":   "# nobody",
		"REDIS_CA":       certificate,
		"UPSTREAM_CA":    certificate,
		"TLS_CERT":       certificate,
		"TLS_KEY":        key,

		"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20token",
	}
	return contents
})

// randomKey returns 32 bytes, as `wxgate keygen` prints them.
func randomKey() string {
	key := make([]byte, 32)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

func privatePEM(key any) string {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// selfSigned returns a certificate for h5.example.com, and its key.
func selfSigned() (certificate, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "h5.example.com"},
		DNSNames:     []string{"h5.example.com"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(90 * 24 * time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(fmt.Errorf("make a certificate: %w", err))
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), privatePEM(private)
}
